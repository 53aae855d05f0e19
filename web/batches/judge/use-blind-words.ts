import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { judgedBlindWords } from '../../ui/image-address.ts';
import { readBetween } from '../workbench/ranked.ts';

/** The number of pairs whose images are checked. The images of a batch usually come from one kind of source. */
const checked = 100;

/** Returns the warning if images of the batch cannot be shown; otherwise undefined. */
export function useBlindWords({ id, succeeded }: BatchSummary): string | undefined {
  const [words, setWords] = useState<string>();
  useEffect(() => {
    const gone = new AbortController();
    // If the pairs cannot be read, nothing is shown here. The start of a sample shows the error.
    void readBetween(id, {}, checked, gone.signal).then(
      (pairs) => setWords(judgedBlindWords(pairs.map(({ image }) => image))),
      () => {},
    );
    return () => gone.abort();
  }, [id, succeeded]);
  return words;
}
