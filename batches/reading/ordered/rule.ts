import type { Rule } from '../../../shared/contracts/batch.ts';
import { ServiceError } from '../../../shared/errors.ts';
import type { BatchRecord } from '../../store/record.ts';
import { millionthsOf } from '../../store/score-index.ts';
import type { Source } from '../read-chunks.ts';
import { readChunkIndex } from './chunk-index.ts';
import { readSegments, type Segment } from './segments.ts';

/**
 * Returns true when the item with the given index meets the rule. A rule is the part of a query that compares two
 * batches.
 */
export type MeetsRule = (index: number) => boolean;

/**
 * Reads which items meet a rule. An item meets it when it has a score in both batches, and the two scores meet all
 * conditions of the rule. The result takes one bit of memory for each item.
 * @throws {ServiceError} `request.invalid` when the batches have different numbers of items.
 */
export async function readRule(
  source: Source,
  batch: BatchRecord,
  other: BatchRecord,
  { otherMinScore = 0, otherMaxScore = 100, minDifference = 0 }: Rule,
): Promise<MeetsRule> {
  if (batch.total !== other.total) {
    const message = `Batch ${other.id} has ${other.total} items and this one ${batch.total}; a rule compares batches of the same items`;
    throw new ServiceError('request.invalid', message, { faults: [{ path: 'other', message }] });
  }
  await readChunkIndex(source, other);
  const bits = new Uint8Array(Math.ceil(batch.total / 8));
  const others = readSegments(source.redis, other);
  for await (const { first, entries } of readSegments(source.redis, batch)) {
    const next = await others.next();
    if (next.done) break;
    const count = Math.min(entries.length, next.value.entries.length);
    for (let at = 0; at < count; at++) {
      const own = scoreOf(entries[at] ?? 0);
      const its = scoreOf(next.value.entries[at] ?? 0);
      if (own === undefined || its === undefined) continue;
      const score = its / 10_000;
      if (score < otherMinScore || score > otherMaxScore || Math.abs(own - its) / 10_000 < minDifference) continue;
      const index = first + at;
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
    }
  }
  return (index) => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** Returns the score of an entry in ten-thousandths; undefined for an item without a score. */
function scoreOf(entry: number): number | undefined {
  const millionths = millionthsOf(entry);
  return millionths === undefined ? undefined : Math.max(0, millionths);
}

/** Yields the segments, with 0 in place of the entry of each item that does not meet a rule. */
export async function* withRule(segments: AsyncIterable<Segment>, meets: MeetsRule): AsyncGenerator<Segment> {
  for await (const segment of segments) {
    const { first, entries } = segment;
    for (let at = 0; at < entries.length; at++) if (!meets(first + at)) entries[at] = 0;
    yield segment;
  }
}
