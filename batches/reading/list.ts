import { z } from 'zod';
import type { ListQuery } from '../../shared/contracts/batch/list.ts';
import { type TenantScope, tenantBatches } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { readFields } from '../store/read-record.ts';
import { type BatchRecord, batchRecord, isVisible } from '../store/record.ts';
import { createCursor } from './cursor.ts';

/** The position of a batch in the list: its creation time in ms and its id, because times may be equal. */
const position = z.tuple([z.number(), z.string()]);

/** The maximum number of batches that are read for one page. It limits a request with few matches. */
const readPerPage = 1_000;

export interface RequestsQuery {
  /** True lists only batches that were posted through the OpenAI-compatible interface. */
  onlyRequests?: boolean;
  /** The last batch of the previous page, instead of a cursor. */
  after?: string | undefined;
}

/** Returns undefined when the batch is not in the list. */
async function positionOf(redis: Redis, list: string, id: string | undefined): Promise<Position | undefined> {
  const createdAt = id === undefined ? null : await redis.zscore(list, id);
  return id === undefined || createdAt === null ? undefined : [Number(createdAt), id];
}

/** Lists batches, the latest first. */
export async function listBatches(
  redis: Redis,
  scope: TenantScope,
  query: ListQuery & RequestsQuery,
): Promise<{ records: BatchRecord[]; next: string | null }> {
  const list = tenantBatches(redis, scope);
  const records: BatchRecord[] = [];
  let last = query.cursor === undefined ? await positionOf(redis, list, query.after) : cursor.decode(query.cursor);
  for (let looked = 0; looked < readPerPage; ) {
    const page = await readPage(redis, list, last, query.limit);
    for (const [createdAt, id] of page) {
      last = [createdAt, id];
      looked++;
      const hash = await readFields(redis, id);
      const record = Object.keys(hash).length === 0 ? undefined : batchRecord.parse(hash);
      if (record === undefined || !isVisible(record)) continue;
      if (query.onlyRequests && record.requests === undefined) continue;
      if (query.items !== undefined && record.total !== query.items) continue;
      if (!isNamed(record, query)) continue;
      if (query.state === undefined || query.state.includes(record.state)) records.push(record);
      if (records.length === query.limit) return { records, next: cursor.encode(last) };
    }
    if (page.length < query.limit) return { records, next: null };
  }
  return { records, next: last === undefined ? null : cursor.encode(last) };
}

/** Returns true when the batch has the tag `tag`, and its name, its id or a tag contains the text `q`. */
function isNamed({ id, name = '', tags = [] }: BatchRecord, { q, tag }: ListQuery): boolean {
  if (tag !== undefined && !tags.includes(tag)) return false;
  const searched = q?.toLowerCase();
  return searched === undefined || [id, name, ...tags].some((text) => text.toLowerCase().includes(searched));
}

type Position = z.output<typeof position>;
const cursor = createCursor<Position>(position);

async function readPage(redis: Redis, list: string, after: Position | undefined, count: number): Promise<Position[]> {
  // Batches created at the same time as the last one are read again. `isAfter` drops those of earlier pages.
  const from = after === undefined ? '+inf' : String(after[0]);
  const members = await redis.zrevrangebyscore(list, from, '-inf', 'WITHSCORES', 'LIMIT', 0, count + 100);
  const page: Position[] = [];
  for (let at = 0; at + 1 < members.length; at += 2) page.push([Number(members[at + 1]), members[at] ?? '']);
  const isAfter = ([createdAt, id]: Position) =>
    after === undefined || createdAt < after[0] || (createdAt === after[0] && id < after[1]);
  return page.filter(isAfter).slice(0, count);
}
