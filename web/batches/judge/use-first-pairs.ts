import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { usePolled } from '../../http/use-polled.ts';
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
      const blind = judgedBlindWords(first.map((each) => imageOf(id, each)));
      let column = labelColumnOf(first);
      setFacts({ blind, column });
      const readMore = async (enough: number) => {
        if (enough === firstRead) return first;
        const more = await read(enough);
        column ??= labelColumnOf(more);
        return more;
      };
      const tooFew = await countIfTooFew(succeeded, readMore, distinctPairs);
      setFacts({ blind, column, tooFew });
    };
    // If the pairs cannot be read, nothing is shown here. The start of a sample shows the error.
    void look().catch(() => {});
    return () => gone.abort();
  }, [id, succeeded]);
  return facts;
}

/** Returns the column of the input with labels in the first pairs of a batch. */
export function useLabelColumn(id: string): string | undefined {
  const { value } = usePolled(`labels ${id}`, async (signal) => ({
    column: labelColumnOf(await readFirst(id, firstRead, signal)),
  }));
  return value?.column;
}
