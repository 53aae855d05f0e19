import type { ResultOrder } from '../../../shared/contracts/batch/results.ts';
import type { Groups } from '../known-indexes.ts';
import { indexAt, type Position, rankOf, toPosition } from '../ordered/best-after.ts';
import type { Range } from '../ordered/conditions.ts';
import type { Segment } from '../ordered/segments.ts';

/** The selected items in groups of equal items. */
export interface Distinct {
  /** Returns true for the first selected item of each group, and for an item that equals no other. */
  isFirst(index: number): boolean;
  /** Returns the number of selected items that equal this one, including itself. */
  sizeOf(index: number): number;
  /** The number of selected items that follow an equal item. */
  others: number;
}

/**
 * Returns a function that computes the position of a scored item. Positions are comparable only in the same sort order.
 */
const positionIn = (sort: ResultOrder): ((entry: number, index: number) => Position) => {
  if (sort === 'index') return (_entry, index) => index;
  const rank = rankOf(sort);
  return (entry, index) => toPosition(rank(entry), index);
};

/**
 * Finds the first selected item in each group of equal items.
 * @param range the selected entries of the score index.
 */
export async function findDistinct(
  segments: AsyncIterable<Segment>,
  { of, count }: Groups,
  sort: ResultOrder,
  { from, to }: Range,
): Promise<Distinct> {
  const firsts = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  const sizes = new Uint32Array(count + 1);
  const positionOf = positionIn(sort);
  for await (const { first, entries } of segments) {
    for (let at = 0; at < entries.length; at++) {
      const group = of[first + at] ?? 0;
      if (group === 0) continue;
      const entry = entries[at] ?? 0;
      if (entry < from || entry > to) continue;
      sizes[group] = (sizes[group] ?? 0) + 1;
      const position = positionOf(entry, first + at);
      if (position < (firsts[group] ?? 0)) firsts[group] = position;
    }
  }
  const groupOf = (index: number) => of[index] ?? 0;
  return {
    isFirst: (index) => groupOf(index) === 0 || indexAt(firsts[groupOf(index)] ?? 0) === index,
    sizeOf: (index) => (groupOf(index) === 0 ? 1 : Math.max(1, sizes[groupOf(index)] ?? 1)),
    others: sizes.reduce((sum, size) => sum + Math.max(0, size - 1), 0),
  };
}

/** Returns the selected items of the `wanted` groups of equal items in the given sort order, by group number. */
export async function membersOf(
  segments: AsyncIterable<Segment>,
  { of }: Groups,
  sort: ResultOrder,
  { from, to }: Range,
  wanted: ReadonlySet<number>,
): Promise<Map<number, number[]>> {
  const positionOf = positionIn(sort);
  const positions = new Map<number, Position[]>();
  for await (const { first, entries } of segments) {
    for (let at = 0; at < entries.length; at++) {
      const group = of[first + at] ?? 0;
      const entry = entries[at] ?? 0;
      if (group === 0 || entry < from || entry > to || !wanted.has(group)) continue;
      const members = positions.get(group);
      const position = positionOf(entry, first + at);
      if (members === undefined) positions.set(group, [position]);
      else members.push(position);
    }
  }
  return new Map([...positions].map(([group, members]) => [group, members.sort((a, b) => a - b).map(indexAt)]));
}
