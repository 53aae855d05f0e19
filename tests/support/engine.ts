import { type BatchEngine, type BatchEngineOptions, createBatchEngine } from '../../batches/engine.ts';
import { withFacts } from '../../batches/intake/item-source.ts';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import type { InputChunk, JobData } from '../../batches/store/payload.ts';
import type { BatchOptions, Pinned } from '../../batches/store/record.ts';
import { type ItemStream, itemsOfList } from '../../formats/items.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { createLogger } from '../../shared/log.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import { connectRedis, type Redis, whenConnected } from '../../shared/redis.ts';
import { startChosenRedis } from './redis-chosen.ts';

/** The batch engine over a Redis of its own, a server or a cluster as the run has it, without workers: a test takes their part and chooses the moment. */
export interface Engine extends BatchEngine {
  redis: Redis;
  /** The keys of all servers that match. */
  keys(pattern: string): Promise<string[]>;
  /** A connection that waits for Redis, as a worker has it. */
  connectWorker(): Redis;
  /** Another service on the same Redis. */
  beside(redisPrefix: string): Promise<{ engine: BatchEngine; redis: Redis; close(): Promise<void> }>;
  /** The labels and items of each accepted batch. */
  posted: [labels: Record<'queue' | 'profile', string>, items: number][];
  /** Posts so many items for a tenant; the batch's id. */
  post(
    count: number,
    more?: { options?: BatchOptions; tenant?: string; limits?: TenantLimits; model?: string },
  ): Promise<string>;
  postItems(items: ItemStream, options?: BatchOptions): Promise<BatchStatus>;
  job(batchId: string, chunk: number, tenant?: string): JobData;
  /** Commits outcomes for a chunk that begins with the first of them. */
  commit(batchId: string, chunk: number, results: ItemResult[]): ReturnType<BatchEngine['chunks']['commit']>;
}

export const tenant = 'default';
export const pinned: Pinned = {
  profile: 'compact',
  model: 'm',
  revision: '1',
  precision: 'fp32',
  preprocess: 'p',
  longText: 'truncate',
};

export const item = (index: number) => ({ image: `https://example.org/${index}.jpg`, text: `text ${index}` });

/**
 * @param queuedItems what all tenants may have waiting together.
 * @param storage where payloads lie; in Redis otherwise.
 */
export async function startEngine(
  retentionHours = 1,
  queuedItems = 0,
  storage: BatchEngineOptions['storage'] = {},
): Promise<Engine> {
  const server = await startChosenRedis();
  const log = await createLogger({ name: 'test', level: 'silent' });
  const redis = connectRedis(server.url, 'producer', log);
  await whenConnected(redis, 5_000);
  const posted: Engine['posted'] = [];
  const engine = createBatchEngine({
    redis,
    profiles: () => ['compact'],
    retentionHours,
    queuedItems,
    storage,
    onPosted: (labels, items) => posted.push([labels, items]),
    log,
  });
  const job = (batchId: string, chunk: number, owner = tenant): JobData => ({ v: 1, tenant: owner, batchId, chunk });
  const post = (
    owner: string,
    items: ItemStream,
    options: BatchOptions,
    { limits, model }: { limits?: TenantLimits | undefined; model?: string | undefined } = {},
  ) =>
    engine.batches.post({
      tenant: owner,
      ...(limits && { limits }),
      pinned: { ...pinned, ...(model && { model }) },
      options,
      items: sourceOf(items),
    });
  return {
    ...engine,
    redis,
    keys: async (pattern) => (await askMasters(redis, (master) => master.keys(pattern))).flat(),
    connectWorker: () => connectRedis(server.url, 'consumer', log),
    posted,
    job,
    async beside(redisPrefix) {
      const other = connectRedis(server.url, 'producer', log, { redisPrefix });
      await whenConnected(other, 5_000);
      const built = createBatchEngine({ redis: other, profiles: () => ['compact'], retentionHours, storage, log });
      const close = async () => {
        await built.close();
        other.disconnect();
      };
      return { engine: built, redis: other, close };
    },
    async post(count, { options = {}, tenant: owner = tenant, limits, model } = {}) {
      const items = itemsOfList(
        Array.from({ length: count }, (_, index) => item(index)),
        'lenient',
      );
      return (await post(owner, items, options, { limits, model })).id;
    },
    postItems: (items, options = {}) => post(tenant, items, options),
    commit(batchId, chunk, results) {
      const offset = results[0]?.index ?? 0;
      const input: InputChunk = { offset, items: results.map(({ index }) => item(index)) };
      return engine.chunks.commit(job(batchId, chunk), input, results);
    },
    async close() {
      await engine.close();
      redis.disconnect();
      await server.remove();
    },
  };
}

/** A source of items as `post` takes it. @param hash of the body. */
export const sourceOf = (items: ItemStream, hash = '') => withFacts(items, () => ({ bodyHash: () => hash }));

/** Outcomes for a chunk of so many items that begins at `offset`. */
export const succeeded = (offset: number, count: number): ItemResult[] =>
  Array.from({ length: count }, (_, at) => ({ index: offset + at, status: 'succeeded', score: 25, cosine: 0.25 }));

export const failed = (offset: number, count: number): ItemResult[] =>
  Array.from({ length: count }, (_, at) => ({
    index: offset + at,
    status: 'failed',
    error: { code: 'image.corrupt', message: 'broken', retryable: false },
  }));
