import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RequestFailed } from '../../http/client.ts';
import { distinctPairs } from './distinct-pairs.ts';
import { readNear } from './ranked.ts';

/** Pairs shown on each side of the threshold. More are read, because a batch may contain a pair several times. */
const shown = 8;
const read = 40;
/** The threshold must stay the same for this time in ms before the pairs near it are read. */
const restMs = 250;

export interface Neighbours {
  /** The threshold of these pairs. It differs from the chosen one until the pairs of that one have arrived. */
  threshold: number;
  below: ItemResult[];
  above: ItemResult[];
  /** The exact number of pairs that reach the threshold. */
  passing: number | undefined;
}

/** Reads the pairs just below and just above a threshold, without duplicates, once it has stopped changing. */
export function useNeighbours(
  summary: BatchSummary,
  threshold: number,
): { neighbours: Neighbours | undefined; failure: RequestFailed | undefined; retry: () => void } {
  const [neighbours, setNeighbours] = useState<Neighbours>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    const look = async () => {
      const [above, below] = await Promise.all([
        readNear(summary.id, 'above', threshold, read, gone.signal),
        threshold <= 0 ? undefined : readNear(summary.id, 'below', threshold, read, gone.signal),
      ]);
      setFailure(undefined);
      setNeighbours({
        threshold,
        above: distinctPairs(above.results).slice(0, shown),
        below: distinctPairs(below?.results ?? []).slice(0, shown),
        passing: above.selected,
      });
    };
    const timer = setTimeout(
      () =>
        void look().catch((error: RequestFailed) => {
          if (!gone.signal.aborted) setFailure(error);
        }),
      restMs,
    );
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [summary.id, threshold, summary.state, attempt]);
  return { neighbours, failure, retry: () => setAttempt(attempt + 1) };
}
