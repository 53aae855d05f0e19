import type { ResultOrder } from '../../../shared/contracts/batch.ts';
import type { Groups } from '../known-indexes.ts';
import { indexAt, type Position, rankOf, toPosition } from '../ordered/best-after.ts';
import type { Range } from '../ordered/conditions.ts';
import type { Segment } from '../ordered/segments.ts';

/** The selected items of each group. */
export interface Distinct {
  /** Returns true for an item that is the first selected one of its group, or that is equal to no other item. */
  isFirst(index: number): boolean;
  /** Returns the number of selected items in the group of a selected item. */
  sizeOf(index: number): number;
  /** The number of selected items that are not the first one of their group. */
  others: number;
}

/** Returns the position of a scored item in an order. Positions of one order are compared with one another only. */
const positionIn = (sort: ResultOrder): ((entry: number, index: number) => Position) => {
  if (sort === 'index') return (_entry, index) => index;
  const rank = rankOf(sort);
  return (entry, index) => toPosition(rank(entry), index);
};

/**
 * Finds the first selected item of each group.
 * @param range the entries of the selected items.
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

/** Returns the indexes of the selected items of some groups, by the number of the group, in an order. */
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
