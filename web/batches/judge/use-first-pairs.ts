import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { imageOf, judgedBlindWords } from '../../ui/image-address.ts';
import { distinctPairs } from '../workbench/distinct-pairs.ts';
import { readFirst } from '../workbench/ranked.ts';
import { labelColumnOf } from './label-words.ts';
import { countIfTooFew, firstRead } from './too-few-pairs.ts';

export interface FirstPairs {
  /** The number of different pairs of a batch that has too few for an estimate. */
  tooFew?: number | undefined;
  /** The warning if images of the batch cannot be shown. */
  blind?: string | undefined;
  /** The column of the input with labels. */
  column?: string | undefined;
}

/** Reads the first pairs of a batch, and returns the facts that the user needs before judging. */
export function useFirstPairs({ id, succeeded }: BatchSummary): FirstPairs {
  const [facts, setFacts] = useState<FirstPairs>({});
  useEffect(() => {
    const gone = new AbortController();
    const read = (enough: number) => readFirst(id, enough, gone.signal);
    const look = async () => {
      const first = await read(firstRead);
      const [pair] = first;
      const known = {
        blind: judgedBlindWords(first.map((each) => imageOf(id, each))),
        column: labelColumnOf(pair?.metadata),
      };
      setFacts(known);
      const readMore = async (enough: number) => (enough === firstRead ? first : await read(enough));
      const tooFew = await countIfTooFew(succeeded, readMore, distinctPairs);
      setFacts({ ...known, tooFew });
    };
    // If the pairs cannot be read, nothing is shown here. The start of a sample shows the error.
    void look().catch(() => {});
    return () => gone.abort();
  }, [id, succeeded]);
  return facts;
}
