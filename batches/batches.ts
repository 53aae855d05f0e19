import type { BatchStatus, ResultsPage, ResultsQuery } from '../shared/contracts/batch.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type Redis, withRedis } from '../shared/redis.ts';
import { dispatch } from './dispatch.ts';
import { storeBatch } from './intake.ts';
import { batchKeys } from './keys.ts';
import { toStoredItem } from './payload.ts';
import type { QueueCounts, Queues } from './queues.ts';
import { type BatchRecord, batchRecord, type Pinned, toStatus } from './record.ts';
import { readResults } from './results.ts';

/** Batches as the API sees them. Every call fails with `queue.unavailable` while Redis is away. */
export interface Batches {
  /**
   * Stores a batch and starts it. When this returns, the batch is acknowledged and will be finished.
   * @param items as the client sent them; a bad one becomes a failed item.
   * @throws {ServiceError} `batch.empty`, `batch.interrupted`, `queue.unavailable`
   */
  post(tenant: string, pinned: Pinned, items: AsyncIterable<unknown> | Iterable<unknown>): Promise<BatchStatus>;
  /** @throws {ServiceError} `batch.not_found` */
  status(tenant: string, id: string): Promise<BatchStatus>;
  /** @throws {ServiceError} `batch.not_found`, `request.invalid` */
  results(tenant: string, id: string, query: ResultsQuery): Promise<ResultsPage>;
  queueCounts(): Promise<QueueCounts[]>;
}

export function createBatches(redis: Redis, queues: Queues, log: Logger): Batches {
  async function read(tenant: string, id: string): Promise<BatchRecord> {
    const hash = await redis.hgetall(batchKeys(id).batch);
    const record = Object.keys(hash).length === 0 ? undefined : batchRecord.parse(hash);
    // One that is still being sent is nobody's business yet; another tenant's never.
    if (record === undefined || record.tenant !== tenant || record.state === 'accepting') {
      throw new ServiceError('batch.not_found', `There is no batch ${id.slice(0, 100)}`);
    }
    return record;
  }

  async function status(tenant: string, id: string): Promise<BatchStatus> {
    const record = await read(tenant, id);
    const failures = record.failed > 0 ? await redis.hgetall(batchKeys(id).failures) : {};
    return toStatus(record, failures, Date.now());
  }

  return {
    post: (tenant, pinned, items) =>
      withRedis(redis, async () => {
        const batch = await storeBatch(redis, tenant, pinned, stored(items));
        // Acknowledged from here on: if Redis goes away before the first chunks are queued, the sweeper queues them.
        await dispatch(redis, queues, batch).catch((error: unknown) => {
          log.warn({ err: error, batchId: batch.id }, 'batch stored, not yet queued');
        });
        return await status(tenant, batch.id);
      }),
    status: (tenant, id) => withRedis(redis, () => status(tenant, id)),
    results: (tenant, id, query) => withRedis(redis, async () => readResults(redis, await read(tenant, id), query)),
    queueCounts: () => withRedis(redis, () => queues.counts()),
  };
}

async function* stored(items: AsyncIterable<unknown> | Iterable<unknown>) {
  for await (const item of items) yield toStoredItem(item);
}
