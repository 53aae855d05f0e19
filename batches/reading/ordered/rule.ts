import type { Rule } from '../../../shared/contracts/batch/results.ts';
import type { BatchRecord } from '../../store/record.ts';
import { millionthsOf } from '../../store/score-index.ts';
import type { Source } from '../read-chunks.ts';
import { preparePair, readPairedSegments } from './paired-segments.ts';
import type { Segment } from './segments.ts';

/** Returns true when the item meets conditions of a query, such as those on the scores in a second batch. */
export type MeetsRule = (index: number) => boolean;

/**
 * Finds the items with a score in both batches that meet the conditions on the second, or those with a score only in the
 * first, in one bit per item.
 * @throws {ServiceError} `request.invalid` when the batches have different numbers of items.
 */
export async function readRule(
  source: Source,
  batch: BatchRecord,
  other: BatchRecord,
  { otherMinScore = 0, otherMaxScore = 100, otherScored = 'true', minDifference = 0 }: Rule,
): Promise<MeetsRule> {
  await preparePair(source, batch, other);
  const meets = (own: number, its: number | undefined): boolean => {
    if (otherScored === 'false') return its === undefined;
    if (its === undefined) return false;
    const score = its / 10_000;
    return score >= otherMinScore && score <= otherMaxScore && Math.abs(own - its) / 10_000 >= minDifference;
  };
  const bits = new Uint8Array(Math.ceil(batch.total / 8));
  for await (const { first, entries, otherEntries } of readPairedSegments(source, batch, other)) {
    for (let at = 0; at < entries.length; at++) {
      const own = scoreOf(entries[at] ?? 0);
      if (own === undefined || !meets(own, scoreOf(otherEntries[at] ?? 0))) continue;
      const index = first + at;
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
    }
  }
  return (index) => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** Returns the score of an entry in ten-thousandths; undefined without a score. */
function scoreOf(entry: number): number | undefined {
  const millionths = millionthsOf(entry);
  return millionths === undefined ? undefined : Math.max(0, millionths);
}

/** Yields the score index, segment by segment, with the items that do not meet the conditions set to 0. */
export async function* withRule(segments: AsyncIterable<Segment>, meets: MeetsRule): AsyncGenerator<Segment> {
  for await (const segment of segments) {
    const { first } = segment;
    const entries = segment.entries.slice();
    for (let at = 0; at < entries.length; at++) if (!meets(first + at)) entries[at] = 0;
    yield { first, entries };
  }
}
