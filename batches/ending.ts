import type { ItemError } from '../shared/errors.ts';
import type { Redis } from '../shared/redis.ts';
import type { Dispatcher } from './dispatch.ts';
import { batchKeys, everyTenant, finishedBatches, fixedKeys, liveBatches, tenantBatches } from './keys.ts';
import type { PayloadStore } from './payloads/store.ts';
import { unlinkPayloads } from './payloads/unlink.ts';
import type { QueuedItems } from './queued-items.ts';
import type { Queues } from './queues.ts';
import { type BatchRecord, batchRecord } from './record.ts';
import { runScript } from './scripts.ts';

/** How batches end: stopped, settled, forgotten. Every step may be repeated, and is by the sweeper. */
export interface Ending {
  readonly retentionMs: number;
  /** Stops a live batch; what has outcomes keeps them. */
  cancel(batch: BatchRecord): Promise<void>;
  /** Ends a batch by reference whose object cannot be taken in. */
  refuse(batch: BatchRecord, fault: Pick<ItemError, 'code' | 'message'>): Promise<void>;
  /** What a terminal batch still owes: its files, then its webhook, its place among the finished ones. */
  settle(id: string): Promise<void>;
  /**
   * Removes every trace, the record first: from then on the batch does not exist for anybody. What cannot be removed at
   * once is what the sweeper goes on with.
   * @throws {ServiceError} `storage.unavailable`, with the same effect.
   */
  forget(batch: Pick<BatchRecord, 'id' | 'tenant'>): Promise<void>;
}

export function createEnding(
  redis: Redis,
  queues: Queues,
  dispatcher: Dispatcher,
  queued: QueuedItems,
  payloads: PayloadStore,
  retentionHours: number,
): Ending {
  const retentionMs = Math.round(retentionHours * 3_600_000);

  async function settle(id: string): Promise<void> {
    const hash = await redis.hgetall(batchKeys(id).batch);
    await queued.release(id);
    if (Object.keys(hash).length > 0) {
      const record = batchRecord.parse(hash);
      await withdrawAll(record);
      await redis.zadd(finishedBatches, 'NX', record.expiresAt ?? Date.now() + retentionMs, id);
      // Still live for the sweeper, which sees to it that its files are written.
      if (await awaitsFiles(record)) return;
      if (record.webhookUrl !== undefined && record.webhookState === 'pending') await queues.addWebhook(id);
    }
    await redis.zrem(liveBatches, id);
  }

  async function awaitsFiles({ id, filesState }: BatchRecord): Promise<boolean> {
    if (filesState !== 'pending') return false;
    if ((await queues.ensureTask('files', id)) === 'live') return true;
    const fields = ['filesState', 'failed', 'filesError', 'Writing them failed again and again; the log says why'];
    await runScript(redis, 'annotate', [batchKeys(id).batch], fields);
    return false;
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
    async refuse({ id }, { code, message }) {
      const { batch, events } = batchKeys(id);
      const values = [Date.now(), retentionMs, code, message.slice(0, 1_000)];
      if ((await runScript(redis, 'refuse', [batch, events], values)) === 1) await settle(id);
    },
    settle,
    async forget({ id, tenant }) {
      // Whatever interrupts this, the next sweep goes on with it.
      await runScript(redis, 'due', [finishedBatches], [0, id]);
      await redis.unlink(...fixedKeys(id));
      await redis.zrem(tenantBatches(tenant), id);
      await redis.zrem(tenantBatches(everyTenant), id);
      await queued.release(id);
      await unlinkPayloads(redis, id);
      await redis.zrem(liveBatches, id);
      if (await payloads.forget(id)) await redis.zrem(finishedBatches, id);
    },
  };
}
