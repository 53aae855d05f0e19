import { createHash } from 'node:crypto';
import type { createBatchEngine } from '../batches/engine.ts';
import { withFacts } from '../batches/intake/item-source.ts';
import type { ReadItem } from '../formats/items.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import { batchKeys } from '../shared/redis/keys.ts';
import type { Redis } from '../shared/redis.ts';

export const tenant = 'default';
const itemsAtOnce = 1_000;
const commitsAtOnce = 16;

export type Engine = ReturnType<typeof createBatchEngine>;

/** The items of a benchmark batch, whose results are stored without an evaluation. */
export interface StoredItems {
  count: number;
  imageOf(index: number): string;
  /** Returns the content of an item's image. Equal contents make duplicates. */
  contentOf(index: number): string;
  /** Returns the cosine of an item, with at most six decimals; undefined for an item that failed. */
  cosineOf(index: number): number | undefined;
}

/** Posts a batch and commits the results of its chunks, the last chunk first. Returns its id. */
export async function storeBatch(engine: Engine, redis: Redis, items: StoredItems): Promise<string> {
  const id = await post(engine, items);
  const chunks = Number(await redis.hget(batchKeys(redis, id).batch, 'chunks'));
  for (let from = chunks - 1; from >= 0; from -= commitsAtOnce) {
    const some = Array.from({ length: Math.min(commitsAtOnce, from + 1) }, (_, at) => from - at);
    await Promise.all(some.map((chunk) => commit(engine, id, chunk, items)));
  }
  return id;
}

const textOf = (index: number): string => `photo number ${index}`;

async function post({ batches }: Engine, { count, imageOf }: StoredItems): Promise<string> {
  async function* pairs(): AsyncGenerator<ReadItem[]> {
    for (let from = 0; from < count; from += itemsAtOnce) {
      yield Array.from({ length: Math.min(itemsAtOnce, count - from) }, (_, at) => ({
        ...{ id: `i${from + at}`, image: imageOf(from + at), text: textOf(from + at) },
      }));
    }
  }
  const pinned = { profile: 'compact', model: 'm', revision: '1', precision: 'fp32', preprocess: 'p' };
  const posted = await batches.post({
    tenant,
    pinned: { ...pinned, longText: 'truncate' },
    options: {},
    items: withFacts(pairs(), () => ({ bodyHash: () => '' })),
  });
  return posted.id;
}

/** A batch begins with 32 chunks of 4 items; later chunks have 64. */
const offsetOf = (chunk: number): number => 4 * Math.min(chunk, 32) + 64 * Math.max(0, chunk - 32);

async function commit({ chunks }: Engine, id: string, chunk: number, items: StoredItems): Promise<void> {
  const { count, cosineOf, contentOf } = items;
  const offset = offsetOf(chunk);
  const results = Array.from({ length: Math.min(offsetOf(chunk + 1), count) - offset }, (_, at): ItemResult => {
    const index = offset + at;
    const given = { index, id: `i${index}` };
    const cosine = cosineOf(index);
    if (cosine === undefined) {
      return { ...given, status: 'failed', error: { code: 'image.corrupt', message: 'broken', retryable: false } };
    }
    return { ...given, status: 'succeeded', cosine, score: scoreOf(cosine) };
  });
  const input = { offset, items: results.map(({ index }) => ({ image: '', text: textOf(index) })) };
  const digests = results.map(({ index, status }) =>
    status === 'succeeded' ? createHash('sha256').update(contentOf(index)).digest('base64') : undefined,
  );
  await chunks.commit({ v: 1, tenant, batchId: id, chunk }, input, results, undefined, {}, digests);
}

export const scoreOf = (cosine: number): number => Number((100 * Math.max(cosine, 0)).toFixed(4));
