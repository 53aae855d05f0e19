import { type Batches, createBatches } from '../../batches/batches.ts';
import { type Chunks, createChunks } from '../../batches/chunks.ts';
import type { JobData } from '../../batches/payload.ts';
import { createQueues, type Queues } from '../../batches/queues.ts';
import type { Pinned } from '../../batches/record.ts';
import { createSweeper, type Sweeper } from '../../batches/sweeper.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { createLogger } from '../../shared/log.ts';
import { connectRedis, type Redis, whenConnected } from '../../shared/redis.ts';
import { startRedis } from './redis.ts';

/** The batch engine over a Redis of its own, without workers: a test takes their part and chooses the moment. */
export interface Engine {
  redis: Redis;
  queues: Queues;
  batches: Batches;
  chunks: Chunks;
  sweeper: Sweeper;
  /** Posts so many items for the default tenant; the batch's id. */
  post(count: number): Promise<string>;
  job(batchId: string, chunk: number): JobData;
  close(): Promise<void>;
}

export const tenant = 'default';
export const pinned: Pinned = { profile: 'compact', model: 'm', revision: '1', precision: 'fp32', preprocess: 'p' };

export async function startEngine(retentionHours = 1): Promise<Engine> {
  const server = await startRedis();
  const log = await createLogger({ name: 'test', level: 'silent' });
  const redis = connectRedis(server.url, 'producer', log);
  await whenConnected(redis, 5_000);
  const queues = createQueues(redis, [], log);
  const chunks = createChunks(redis, queues, retentionHours);
  const batches = createBatches(redis, queues, log);
  return {
    redis,
    queues,
    batches,
    chunks,
    sweeper: createSweeper(redis, queues, chunks, log),
    async post(count) {
      const items = Array.from({ length: count }, (_, index) => ({
        image: `https://example.org/${index}.jpg`,
        text: 't',
      }));
      return (await batches.post(tenant, pinned, items)).id;
    },
    job: (batchId, chunk) => ({ v: 1, tenant, batchId, chunk }),
    async close() {
      await queues.close();
      redis.disconnect();
      await server.remove();
    },
  };
}

/** Outcomes for a chunk of so many items that begins at `offset`. */
export const succeeded = (offset: number, count: number): ItemResult[] =>
  Array.from({ length: count }, (_, at) => ({ index: offset + at, status: 'succeeded', score: 25, cosine: 0.25 }));

export const failed = (offset: number, count: number): ItemResult[] =>
  Array.from({ length: count }, (_, at) => ({
    index: offset + at,
    status: 'failed',
    error: { code: 'image.corrupt', message: 'broken', retryable: false },
  }));
