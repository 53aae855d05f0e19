import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RequestFailed } from '../../http/client.ts';
import { readNear } from './near.ts';
import { pairReader } from './ranked.ts';

/** Pairs shown on each side of the threshold. */
const shown = 8;
/** The choice of the user must stay the same for this time in ms before the service is asked about it. */
export const restMs = 250;
/** The time in ms between two reads while the batch is running. */
const liveMs = 5_000;

export interface Neighbours {
  /** The threshold of these pairs. It differs from the chosen one until the pairs of that one have arrived. */
  threshold: number;
  below: ItemResult[];
  above: ItemResult[];
  /** The exact numbers of pairs on each side of the threshold. Unknown while the batch runs, because they change. */
  passing: number | undefined;
  failing: number | undefined;
}

export interface ReadNeighbours {
  /** Undefined until the first ones have arrived. */
  neighbours: Neighbours | undefined;
  isReading: boolean;
  failure: RequestFailed | undefined;
  retry: () => void;
}

/**
 * Reads the distinct pairs just below and just above a threshold, once it has stopped changing. After an interruption of
 * the connection, it reads them again.
 */
export function useNeighbours(
  summary: BatchSummary,
  threshold: number,
  isRunning: boolean,
  isInterrupted: boolean,
): ReadNeighbours {
  const [neighbours, setNeighbours] = useState<Neighbours>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [isReading, setReading] = useState(true);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    setReading(true);
    setFailure(undefined);
    if (isInterrupted) return;
    const look = async () => {
      const read = pairReader(summary.id, gone.signal);
      const [above, below] = await Promise.all([
        readNear(read, 'above', threshold, shown),
        threshold <= 0 ? undefined : readNear(read, 'below', threshold, shown),
      ]);
      if (gone.signal.aborted) return;
      setReading(false);
      setNeighbours({
        threshold,
        above: above.pairs,
        below: below?.pairs ?? [],
        passing: isRunning ? undefined : above.selected,
        failing: isRunning ? undefined : below === undefined ? 0 : below.selected,
      });
      if (isRunning) timer = setTimeout(() => setAttempt((count) => count + 1), liveMs);
    };
    let timer = setTimeout(
      () =>
        void look().catch((error: RequestFailed) => {
          if (gone.signal.aborted) return;
          setReading(false);
          setFailure(error);
        }),
      restMs,
    );
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [summary.id, threshold, isRunning, isInterrupted, attempt]);
  return { neighbours, isReading, failure, retry: () => setAttempt(attempt + 1) };
}
