import type { ResultOrder } from '../../../shared/contracts/batch/results.ts';
import { cosineSteps, scoredEntry } from '../../store/score-index.ts';
import type { Range } from './conditions.ts';
import type { Segment } from './segments.ts';

export type RankedOrder = Exclude<ResultOrder, 'index'>;

/**
 * The position of a scored item in a sort order: its rank by score or cosine (21 bits), then its index (32 bits). A
 * double represents these 53 bits exactly.
 */
export type Position = number;
export const beforeAll: Position = -1;

const lowest = scoredEntry(-cosineSteps);
const highest = scoredEntry(cosineSteps);
const indexes = 2 ** 32;
export const indexAt = (position: Position): number => position % indexes;
export const toPosition = (rank: number, index: number): Position => rank * indexes + index;

/**
 * Returns a function that computes the rank of a scored item from its entry in the score index. Rank 0 is the first
 * possible score of the order.
 */
export function rankOf(order: RankedOrder): (entry: number) => number {
  const isDescending = order.startsWith('-');
  /** By score, every negative cosine counts as 0. */
  const least = order.endsWith('score') ? scoredEntry(0) : lowest;
  return (entry) => {
    const value = entry < least ? least : entry;
    return isDescending ? highest - value : value - lowest;
  };
}

/** Returns at most `most` positions that follow `after` in the sort order. The memory depends only on `most`. */
export async function bestAfter(
  segments: AsyncIterable<Segment>,
  order: RankedOrder,
  { from, to }: Range,
  after: Position,
  most: number,
): Promise<Float64Array> {
  const rank = rankOf(order);
  const found = new Float64Array(Math.max(2 * most, 1_024));
  let count = 0;
  let last = Number.POSITIVE_INFINITY;
  const keepBest = () => {
    found.subarray(0, count).sort();
    count = Math.min(count, most);
    if (count === most) last = found[count - 1] ?? last;
  };
  for await (const { first, entries } of segments) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      if (entry < from || entry > to) continue;
      const position = toPosition(rank(entry), first + at);
      if (position <= after || position >= last) continue;
      found[count++] = position;
      if (count === found.length) keepBest();
    }
  }
  keepBest();
  return found.subarray(0, count);
}
