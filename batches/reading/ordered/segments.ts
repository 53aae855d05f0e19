import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import type { BatchRecord } from '../../store/record.ts';
import { itemsPerSegment, numbersOf } from '../../store/score-index.ts';

/** A part of the index of scores, which has an entry for each item of a batch. */
export interface Segment {
  /** Index of the first item in the segment. */
  first: number;
  entries: Uint32Array;
}

/** The number of segments that are read at a time. Together they have about a megabyte. */
const segmentsPerRead = 4;

/** Reads the index of scores of a batch, a few segments at a time, so that memory does not grow with the batch. */
export async function* readSegments(redis: Redis, batch: Pick<BatchRecord, 'id' | 'total'>): AsyncGenerator<Segment> {
  const { scores } = batchKeys(redis, batch.id);
  const count = Math.ceil(batch.total / itemsPerSegment);
  for (let from = 0; from < count; from += segmentsPerRead) {
    const numbers = Array.from({ length: Math.min(segmentsPerRead, count - from) }, (_, at) => from + at);
    const segments = await Promise.all(numbers.map((segment) => redis.getBuffer(scores(segment))));
    for (const [at, bytes] of segments.entries()) {
      yield { first: (from + at) * itemsPerSegment, entries: numbersOf(bytes) };
    }
  }
}
