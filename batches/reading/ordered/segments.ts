import { setImmediate } from 'node:timers/promises';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { BatchRecord } from '../../store/record.ts';
import { bytesPerEntry, itemsPerSegment, numbersOf } from '../../store/score-index.ts';
import { knownAs, scoreBytes } from '../known-indexes.ts';
import type { Source } from '../read-chunks.ts';

/** A part of the score index, which has an entry for each item of a batch. */
export interface Segment {
  first: number;
  /** Readers share them, so they must not be changed. */
  entries: Uint32Array;
}

/** Together they take about a megabyte. */
const segmentsPerRead = 4;
/** The number of cached segments that are searched, in about 10 ms, before the event loop may do other work. */
const segmentsPerTurn = 16;

/**
 * Reads the score index of a batch, a few segments at a time, so that the memory does not depend on its size. The index
 * of an ended batch is cached.
 */
export async function* readSegments(
  { redis, known }: Pick<Source, 'redis' | 'known'>,
  batch: Pick<BatchRecord, 'id' | 'total' | 'state' | 'finishedAt'>,
): AsyncGenerator<Segment> {
  const { scores } = batchKeys(redis, batch.id);
  const count = Math.ceil(batch.total / itemsPerSegment);
  // A longer index does not fit into the cache.
  const isShort = bytesPerEntry * batch.total <= scoreBytes;
  const knownKey = isShort ? knownAs(batch) : undefined;
  const remembered = knownKey === undefined ? undefined : known?.scores.get(knownKey);
  if (remembered !== undefined) {
    for (const [at, entries] of remembered.entries()) {
      if (at % segmentsPerTurn === segmentsPerTurn - 1) await setImmediate();
      yield { first: at * itemsPerSegment, entries };
    }
    return;
  }
  const read: Uint32Array[] = [];
  for (let from = 0; from < count; from += segmentsPerRead) {
    const numbers = Array.from({ length: Math.min(segmentsPerRead, count - from) }, (_, at) => from + at);
    const segments = await Promise.all(numbers.map((segment) => redis.getBuffer(scores(segment))));
    for (const [at, bytes] of segments.entries()) {
      const entries = numbersOf(bytes);
      if (knownKey !== undefined) read.push(entries);
      yield { first: (from + at) * itemsPerSegment, entries };
    }
  }
  if (knownKey !== undefined) known?.scores.set(knownKey, read);
}
