import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { readNear } from './ranked.ts';

/** Pairs of a strip. More are read, since the same pair may be in a batch several times. */
const shown = 8;
const read = 40;
/** The time in ms that a threshold must rest before its pairs are read. */
const restMs = 250;

/** The pairs on both sides of a threshold. */
export interface Neighbours {
  below: ItemResult[];
  above: ItemResult[];
  /** The exact number of pairs that reach the threshold. */
  passing: number | undefined;
}

/** Reads the distinct pairs on both sides of a threshold once it rests. */
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
        above: distinct(above.results),
        below: distinct(below?.results ?? []),
        passing: above.selected,
      });
    };
    // A failure shows no strips. The listing of pairs explains it.
    const timer = setTimeout(() => void look().catch(() => {}), restMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [summary.id, threshold, summary.state]);
  // Those of the last threshold stay until the new ones are there; its count does not.
  return state === undefined || state.threshold === threshold ? state : { ...state, passing: undefined };
}

function distinct(results: readonly ItemResult[]): ItemResult[] {
  const seen = new Map<string, ItemResult>();
  for (const result of results) {
    const key = JSON.stringify([result.image, result.text]);
    if (!seen.has(key)) seen.set(key, result);
  }
  return [...seen.values()].slice(0, shown);
}
