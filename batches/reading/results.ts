import { z } from 'zod';
import { type ResultsPage, type ResultsQuery, resultsPageSize } from '../../shared/contracts/batch/results.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { bitReader } from '../store/bitmap.ts';
import type { BatchRecord } from '../store/record.ts';
import { createCursor } from './cursor.ts';
import { readChunks, type Source } from './read-chunks.ts';
import { createSelector, needsItems } from './selection.ts';
import { withItem } from './with-item.ts';

/**
 * A position in three successive lists. `log`: the log of commits, of which `at` chunks were read. `rest`: the chunks
 * of a stopped batch without outcomes, from chunk `at`. `tail`: commits after `log` had ended.
 */
const position = z.strictObject({
  list: z.enum(['log', 'rest', 'tail']),
  at: z.int().min(0),
  /** The number of items of the current chunk that were read. */
  items: z.int().min(0),
  /** The length of the commit log when its end was reached. */
  logEnd: z.int().min(0),
});
type Position = z.output<typeof position>;
const cursor = createCursor<Position>(position);

/** The maximum number of chunks that are read for one page. It limits a request with few matches. */
const chunksPerPage = 256;
/** A chunk with large metadata may take megabytes. */
const chunksPerRead = 4;
/** The bytes of JSON after which a page ends, even with fewer results than requested. */
const pageBytes = 8 * 1024 * 1024;

/**
 * Returns a page of results in commit order. A client that follows the pages misses no later chunk.
 * @throws {ServiceError} `request.invalid` for a cursor that this service did not encode.
 */
export async function readResults(source: Source, batch: BatchRecord, query: ResultsQuery): Promise<ResultsPage> {
  const results: ItemResult[] = [];
  const { limit = resultsPageSize } = query;
  const isSelected = createSelector(query);
  const withItems = query.items === 'true';
  let current: Position = query.cursor === undefined ? start : cursor.decode(query.cursor);
  let bytes = 0;
  for (let looked = 0; looked < chunksPerPage && bytes < pageBytes && results.length < limit; ) {
    const steps = await nextSteps(source.redis, batch, current);
    if (steps.length === 0) {
      // The state was read before the log. If it is final, the log is complete.
      const following = terminalStates.has(batch.state) ? listAfter(current, batch) : current;
      if (following === undefined) return { results, next: null };
      if (following === current) break;
      current = following;
      continue;
    }
    looked += steps.length;
    const chunks = await readChunks(
      source,
      batch,
      steps.map(({ chunk }) => chunk),
      withItems || needsItems(query),
    );
    for (const [step, { after }] of steps.entries()) {
      if (bytes >= pageBytes) break;
      const items = chunks[step]?.results ?? [];
      bytes += chunks[step]?.bytes ?? 0;
      while (current.items < items.length && results.length < limit) {
        const at = current.items;
        const item = items[at];
        current = { ...current, items: at + 1 };
        const posted = chunks[step]?.items[at];
        if (item && isSelected(item, posted)) results.push(withItems ? withItem(item, posted) : item);
      }
      if (current.items < items.length) break;
      current = { ...current, at: after, items: 0 };
    }
  }
  return { results, next: cursor.encode(current) };
}

const start: Position = { list: 'log', at: 0, items: 0, logEnd: 0 };

function listAfter(current: Position, batch: BatchRecord): Position | undefined {
  if (current.list === 'log' && batch.cancelled > 0) return { list: 'rest', at: 0, items: 0, logEnd: current.at };
  if (current.list === 'rest') return { list: 'tail', at: current.logEnd, items: 0, logEnd: current.logEnd };
  return undefined;
}

/** Returns the next chunks. `after` is the value of `at` after each. */
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
