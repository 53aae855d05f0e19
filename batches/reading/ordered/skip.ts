import { cosineSteps } from '../../store/score-index.ts';
import { beforeAll, type Position, type RankedOrder, rankOf, toPosition } from './best-after.ts';
import type { Range } from './conditions.ts';
import type { Segment } from './segments.ts';

/** Yields the segments of the index of scores, from the first one. */
export type ReadSegments = () => AsyncIterable<Segment>;

/**
 * Returns the position that precedes the result number `skip` (from 0) in an order by score or cosine. There must be
 * more than `skip` such results. It reads the index of scores twice, with memory that does not depend on the size of
 * the batch.
 */
export async function positionBefore(
  segments: ReadSegments,
  order: RankedOrder,
  { from, to }: Range,
  skip: number,
): Promise<Position> {
  const counts = new Uint32Array(2 * cosineSteps + 1);
  const rank = rankOf(order);
  for await (const { entries } of segments()) {
    for (const entry of entries) {
      if (entry < from || entry > to) continue;
      const at = rank(entry);
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  let left = skip;
  let wanted = 0;
  while (wanted < counts.length && left >= (counts[wanted] ?? 0)) left -= counts[wanted++] ?? 0;
  for await (const { first, entries } of segments()) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      if (entry < from || entry > to || rank(entry) !== wanted) continue;
      if (left-- === 0) return toPosition(wanted, first + at) - 1;
    }
  }
  return beforeAll;
}

/**
 * Returns the index of the item with the number `skip` (from 0) among the items whose entry is in one of the ranges;
 * undefined when there are not that many.
 */
export async function itemAt(
  segments: ReadSegments,
  ranges: readonly Range[],
  skip: number,
): Promise<number | undefined> {
  const none: Range = { from: 1, to: 0 };
  const [one = none, other = none, third = none] = ranges;
  let left = skip;
  for await (const { first, entries } of segments()) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      const isIn =
        (entry >= one.from && entry <= one.to) ||
        (entry >= other.from && entry <= other.to) ||
        (entry >= third.from && entry <= third.to);
      if (isIn && left-- === 0) return first + at;
    }
  }
  return undefined;
}
