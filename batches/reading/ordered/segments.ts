import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import type { BatchRecord } from '../../store/record.ts';
import { itemsPerSegment, numbersOf } from '../../store/score-index.ts';

/** A part of the index of scores. */
export interface Segment {
  /** Index of its first item. */
  first: number;
  entries: Uint32Array;
}

/** Segments read at a time: a megabyte. */
const segmentsPerRead = 4;

/** Reads the index of scores of a batch, some segments at a time, so that memory does not grow with the batch. */
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
