import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { distinctPairs } from './distinct-pairs.ts';
import { readNear } from './ranked.ts';

/** Pairs shown on each side of the threshold. More are read, because a batch may contain a pair several times. */
const shown = 8;
const read = 40;
/** The threshold must stay the same for this time in ms before the pairs near it are read. */
const restMs = 250;

export interface Neighbours {
  below: ItemResult[];
  above: ItemResult[];
  /** The exact number of pairs that reach the threshold. */
  passing: number | undefined;
}

/** Reads the pairs just below and just above a threshold, without duplicates, once it has stopped changing. */
export function useNeighbours(summary: BatchSummary, threshold: number): Neighbours | undefined {
  const [state, setState] = useState<Neighbours & { threshold: number }>();
  useEffect(() => {
    const gone = new AbortController();
    const look = async () => {
      const [above, below] = await Promise.all([
        readNear(summary.id, 'above', threshold, read, gone.signal),
        threshold <= 0 ? undefined : readNear(summary.id, 'below', threshold, read, gone.signal),
      ]);
      setState({
        threshold,
        above: distinctPairs(above.results).slice(0, shown),
        below: distinctPairs(below?.results ?? []).slice(0, shown),
        passing: above.selected,
      });
    };
    // If the request fails, no pairs are shown here. The list of pairs shows the error.
    const timer = setTimeout(() => void look().catch(() => {}), restMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [summary.id, threshold, summary.state]);
  // The earlier pairs remain until the new ones have arrived. Their exact number no longer applies.
  return state === undefined || state.threshold === threshold ? state : { ...state, passing: undefined };
}
