import { z } from 'zod';
import type { ResultsPage, ResultsQuery } from '../shared/contracts/batch.ts';
import { terminalStates } from '../shared/contracts/batch.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Redis } from '../shared/redis.ts';
import { batchKeys } from './keys.ts';
import { decodeOutput } from './payload.ts';
import type { BatchRecord } from './record.ts';

/** A place in the commit log: so many chunks were read whole, and so many items of the next. */
const position = z.tuple([z.int().min(0), z.int().min(0)]);

/** Chunks one page looks at, however few of their items pass the filter: bounds the time of a request. */
const chunksPerPage = 256;

/**
 * A page of results in the order of their commits, so that a page never misses a chunk that finishes later.
 * @throws {ServiceError} `request.invalid` for a cursor that this service did not give.
 */
export async function readResults(
  redis: Redis,
  batch: Pick<BatchRecord, 'id' | 'state'>,
  query: ResultsQuery,
): Promise<ResultsPage> {
  const keys = batchKeys(batch.id);
  let [chunksRead, itemsRead] = query.cursor === undefined ? [0, 0] : decodeCursor(query.cursor);
  const log = await redis.lrange(keys.log, chunksRead, chunksRead + chunksPerPage - 1);
  const results: ItemResult[] = [];
  // A few chunks at a time: a page of the default size spans about sixteen.
  for (let at = 0; at < log.length && results.length < query.limit; at += 16) {
    const chunks = log.slice(at, at + 16).map(Number);
    const payloads = await Promise.all(chunks.map((chunk) => redis.hgetBuffer(keys.output(chunk), String(chunk))));
    for (const payload of payloads) {
      if (results.length >= query.limit) break;
      if (payload === null) throw new Error(`Batch ${batch.id} lost the results of a committed chunk`);
      const items = decodeOutput(payload).results;
      while (itemsRead < items.length && results.length < query.limit) {
        const item = items[itemsRead++];
        if (item && (query.status === undefined || item.status === query.status)) results.push(item);
      }
      if (itemsRead < items.length) break;
      chunksRead++;
      itemsRead = 0;
    }
  }
  // The state was read before the log: when it was terminal then, the log is complete.
  const complete = terminalStates.has(batch.state) && chunksRead >= (await redis.llen(keys.log));
  return { results, next: complete ? null : encodeCursor(chunksRead, itemsRead) };
}

const encodeCursor = (chunks: number, items: number): string =>
  Buffer.from(JSON.stringify([chunks, items])).toString('base64url');

function decodeCursor(cursor: string): [number, number] {
  try {
    return position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (cause) {
    const message = 'The cursor is not one that a page of results gave as `next`';
    throw new ServiceError('request.invalid', message, { cause, faults: [{ path: 'cursor', message }] });
  }
}
