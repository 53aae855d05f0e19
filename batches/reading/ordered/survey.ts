import type { ChunkIndex } from '../known-indexes.ts';
import type { Conditions, Range } from './conditions.ts';
import type { Segment } from './segments.ts';

export interface Survey {
  /** Items that meet the conditions, with and without a score, except cancelled items. */
  scored: number;
  unscored: number;
  /** The chunks with such items, ascending, except those whose items are only counted. */
  chunks: number[];
}

/**
 * Counts the items that meet the conditions, and lists their chunks.
 * @param listsScored false counts items with a score without listing their chunks.
 */
export async function surveyIndex(
  segments: AsyncIterable<Segment>,
  { committed, firsts, cancelled }: ChunkIndex,
  conditions: Conditions,
  listsScored: boolean,
): Promise<Survey> {
  const none: Range = { from: 1, to: 0 };
  const { from, to } = conditions.scored ?? none;
  const [one = none, other = none] = conditions.unscored;
  const chunks: number[] = [];
  let scored = 0;
  let unscored = 0;
  let place = 0;
  let noted = -1;
  for await (const { first, entries } of segments) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      if (entry >= from && entry <= to) {
        scored++;
        if (!listsScored) continue;
      } else if ((entry >= one.from && entry <= one.to) || (entry >= other.from && entry <= other.to)) unscored++;
      else continue;
      while (place + 1 < firsts.length && (firsts[place + 1] ?? 0) <= first + at) place++;
      if (place === noted) continue;
      noted = place;
      chunks.push(committed[place] ?? 0);
    }
  }
  return { scored, unscored, chunks: conditions.cancelled ? merge(chunks, cancelled) : chunks };
}

const merge = (some: readonly number[], others: readonly number[]): number[] =>
  others.length === 0 ? [...some] : [...some, ...others].sort((a, b) => a - b);
