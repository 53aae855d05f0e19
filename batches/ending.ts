import type { Redis } from '../shared/redis.ts';
import type { Dispatcher } from './dispatch.ts';
import {
  batchKeys,
  chunksPerHash,
  everyTenant,
  finishedBatches,
  fixedKeys,
  liveBatches,
  tenantBatches,
} from './keys.ts';
import type { QueuedItems } from './queued-items.ts';
import type { Queues } from './queues.ts';
import { type BatchRecord, batchRecord } from './record.ts';
import { runScript } from './scripts.ts';

/** How batches end: stopped, settled, forgotten. Every step may be repeated, and is by the sweeper. */
export interface Ending {
  readonly retentionMs: number;
  /** Stops a live batch; what has outcomes keeps them. */
  cancel(batch: BatchRecord): Promise<void>;
  /** What a terminal batch still owes: its webhook, its place among the finished ones. */
  settle(id: string): Promise<void>;
  /** Removes every trace, the record first: from then on the batch does not exist for anybody. */
  forget(batch: Pick<BatchRecord, 'id' | 'tenant'>): Promise<void>;
}

export function createEnding(
  redis: Redis,
  queues: Queues,
  dispatcher: Dispatcher,
  queued: QueuedItems,
  retentionHours: number,
): Ending {
  const retentionMs = Math.round(retentionHours * 3_600_000);

  async function settle(id: string): Promise<void> {
    const hash = await redis.hgetall(batchKeys(id).batch);
    if (Object.keys(hash).length > 0) {
      const record = batchRecord.parse(hash);
      await withdrawAll(record);
      if (record.webhookUrl !== undefined && record.webhookState === 'pending') await queues.addWebhook(id);
      await redis.zadd(finishedBatches, 'NX', record.expiresAt ?? Date.now() + retentionMs, id);
    }
    await queued.release(id);
    await redis.zrem(liveBatches, id);
  }

  async function withdrawAll(record: BatchRecord): Promise<void> {
    const { waiting } = batchKeys(record.id);
    const chunks = (await redis.smembers(waiting)).map(Number);
    await dispatcher.withdraw(record, chunks);
    await redis.del(waiting);
  }

  return {
    retentionMs,
    async cancel(batch) {
      const keys = batchKeys(batch.id);
      const names = [keys.batch, keys.waiting, keys.events];
      const reply = (await runScript(redis, 'cancel', names, [Date.now(), retentionMs])) as Buffer[];
      const [verdict, , ...chunks] = reply.map(String);
      if (verdict !== 'cancelled') return;
      await dispatcher.withdraw(batch, chunks.map(Number));
      await settle(batch.id);
    },
    settle,
    async forget({ id, tenant }) {
      await redis.unlink(...fixedKeys(id));
      await redis.zrem(tenantBatches(tenant), id);
      await redis.zrem(tenantBatches(everyTenant), id);
      await queued.release(id);
      // From the back: what is left after an interruption is still found from the front.
      for (let hash = (await payloadHashes(redis, id)) - 1; hash >= 0; hash--) {
        const { input, output } = batchKeys(id);
        await redis.unlink(input(hash * chunksPerHash), output(hash * chunksPerHash));
      }
      await redis.zrem(liveBatches, id);
      await redis.zrem(finishedBatches, id);
    },
  };
}

/** How many input hashes a batch has: they are without a gap, so the first absent one ends them. */
async function payloadHashes(redis: Redis, id: string): Promise<number> {
  const { input } = batchKeys(id);
  for (let hash = 0; ; hash++) if ((await redis.exists(input(hash * chunksPerHash))) === 0) return hash;
}
