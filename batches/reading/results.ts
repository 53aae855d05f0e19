import { z } from 'zod';
import { type ResultsPage, type ResultsQuery, resultsPageSize, terminalStates } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { bitReader } from '../store/bitmap.ts';
import type { BatchRecord } from '../store/record.ts';
import { createCursor } from './cursor.ts';
import { readChunks, type Source } from './read-chunks.ts';

/**
 * A place in the results. `log`: so many chunks of the commit log were read whole. A batch that was stopped goes on with
 * `rest`, its chunks without outcomes from this number on, and `tail`, what was committed after the log had been read.
 */
const position = z.strictObject({
  list: z.enum(['log', 'rest', 'tail']),
  at: z.int().min(0),
  /** Items read of the chunk at that place. */
  items: z.int().min(0),
  /** Length of the log when it had been read. */
  logEnd: z.int().min(0),
});
type Position = z.output<typeof position>;
const cursor = createCursor<Position>(position);

/** Chunks one page looks at, however few of their items pass the filter: bounds the time of a request. */
const chunksPerPage = 256;
/** Chunks read at a time, and so held in memory: with large metadata each may have megabytes. */
const chunksPerRead = 4;
/** A page ends when its chunks have had so many bytes of JSON, whatever its limit says. */
const pageBytes = 8 * 1024 * 1024;

/**
 * A page of results in the order of their commits, so that a page never misses a chunk that finishes later.
 * @throws {ServiceError} `request.invalid` for a cursor that this service did not give.
 */
export async function readResults(source: Source, batch: BatchRecord, query: ResultsQuery): Promise<ResultsPage> {
  const results: ItemResult[] = [];
  const { limit = resultsPageSize } = query;
  const wanted = (item: ItemResult) => query.status === undefined || item.status === query.status;
  let place: Position = query.cursor === undefined ? start : cursor.decode(query.cursor);
  let bytes = 0;
  for (let looked = 0; looked < chunksPerPage && bytes < pageBytes && results.length < limit; ) {
    const steps = await nextSteps(source.redis, batch, place);
    if (steps.length === 0) {
      // The state was read before the log: when it was terminal then, the log is complete.
      const following = terminalStates.has(batch.state) ? listAfter(place, batch) : place;
      if (following === undefined) return { results, next: null };
      if (following === place) break;
      place = following;
      continue;
    }
    looked += steps.length;
    const chunks = await readChunks(
      source,
      batch,
      steps.map(({ chunk }) => chunk),
    );
    for (const [step, { after }] of steps.entries()) {
      if (bytes >= pageBytes) break;
      const items = chunks[step]?.results ?? [];
      bytes += chunks[step]?.bytes ?? 0;
      while (place.items < items.length && results.length < limit) {
        const item = items[place.items];
        place = { ...place, items: place.items + 1 };
        if (item && wanted(item)) results.push(item);
      }
      if (place.items < items.length) break;
      place = { ...place, at: after, items: 0 };
    }
  }
  return { results, next: cursor.encode(place) };
}

const start: Position = { list: 'log', at: 0, items: 0, logEnd: 0 };

function listAfter(place: Position, batch: BatchRecord): Position | undefined {
  if (place.list === 'log' && batch.cancelled > 0) return { list: 'rest', at: 0, items: 0, logEnd: place.at };
  if (place.list === 'rest') return { list: 'tail', at: place.logEnd, items: 0, logEnd: place.logEnd };
  return undefined;
}

/** The next chunks at a place, each with the place's number after it. */
async function nextSteps(
  redis: Redis,
  batch: BatchRecord,
  { list, at }: Position,
): Promise<{ chunk: number; after: number }[]> {
  const { log, done } = batchKeys(redis, batch.id);
  if (list !== 'rest') {
    const chunks = await redis.lrange(log, at, at + chunksPerRead - 1);
    return chunks.map((chunk, step) => ({ chunk: Number(chunk), after: at + step + 1 }));
  }
  const isDone = bitReader(await redis.getBuffer(done));
  const steps: { chunk: number; after: number }[] = [];
  for (let chunk = at; chunk < batch.chunks && steps.length < chunksPerRead; chunk++) {
    if (!isDone(chunk)) steps.push({ chunk, after: chunk + 1 });
  }
  return steps;
}
