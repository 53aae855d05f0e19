import { cosineSteps } from '../../store/score-index.ts';
import { beforeAll, type Position, type RankedOrder, rankOf, toPosition } from './best-after.ts';
import type { Range } from './conditions.ts';
import type { Segment } from './segments.ts';

/** Yields all segments of the score index, on each call from the first. */
export type ReadSegments = () => AsyncIterable<Segment>;

/**
 * Returns the position just before result `skip` (from 0) by score or cosine. The order must have more results. It
 * reads the score index twice, with constant memory.
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

/** Returns the index of item `skip` (from 0) among those whose entry is in a range; undefined when there are fewer. */
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
