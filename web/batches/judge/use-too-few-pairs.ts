import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { distinctPairs } from '../workbench/distinct-pairs.ts';
import { readBetween } from '../workbench/ranked.ts';
import { countIfTooFew } from './too-few-pairs.ts';

/** Returns the number of different pairs of a batch that has too few for an estimate; otherwise undefined. */
export function useTooFewPairs({ id, succeeded }: BatchSummary): number | undefined {
  const [count, setCount] = useState<number>();
  useEffect(() => {
    const gone = new AbortController();
    const read = (enough: number) => readBetween(id, {}, enough, gone.signal);
    // If the pairs cannot be read, nothing is shown here. The start of a sample shows the error.
    void countIfTooFew(succeeded, read, distinctPairs).then(setCount, () => {});
    return () => gone.abort();
  }, [id, succeeded]);
  return count;
}
