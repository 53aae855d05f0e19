import type { TopSelected } from '../../../shared/contracts/batch/results.ts';
import { countOfTop, type Top } from '../../../shared/top.ts';
import { cosineSteps, millionthsOf } from '../../store/score-index.ts';
import type { Segment } from './segments.ts';

export interface SelectedTop {
  top: TopSelected;
  /** The lowest selected cosine, in millionths. */
  lastMillionths: number;
}

/** Selects the items with the highest scores, and all items that share the lowest selected score. */
export async function selectTop(segments: AsyncIterable<Segment>, top: Top): Promise<SelectedTop> {
  /** The number of items by score in ten-thousandths. Every negative cosine has the score 0. */
  const counts = new Uint32Array(cosineSteps + 1);
  let scored = 0;
  for await (const { entries } of segments) {
    for (const entry of entries) {
      const millionths = millionthsOf(entry);
      if (millionths === undefined) continue;
      scored++;
      const at = millionths > 0 ? millionths : 0;
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  const requested = countOfTop(top, scored);
  if (requested === 0) {
    return { top: { requested, items: 0, lastScore: null, ties: 0 }, lastMillionths: cosineSteps + 1 };
  }
  let items = 0;
  let last = cosineSteps + 1;
  while (items < requested) items += counts[--last] ?? 0;
  return {
    top: { requested, items, lastScore: last / 10_000, ties: counts[last] ?? 0 },
    lastMillionths: last === 0 ? -cosineSteps : last,
  };
}
