import type { ItemError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { unlessFull } from '../../shared/redis/fault.ts';
import {
  batchKeys,
  everyTenant,
  finishedBatches,
  fixedKeys,
  liveBatches,
  tenantBatches,
} from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { forgetKey } from '../admission/forget-key.ts';
import type { QueuedItems } from '../admission/queued-items.ts';
import type { StoredBytes } from '../admission/stored-bytes.ts';
import type { Dispatcher } from '../queue/dispatcher.ts';
import type { Queues } from '../queue/queues.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { readFields } from '../store/read-record.ts';
import { type BatchRecord, batchRecord, labelsOf } from '../store/record.ts';
import { setFields } from '../store/set-fields.ts';
import { unlinkPayloads } from '../store/unlink-payloads.ts';
import { enlistFinished } from './steps/enlist.ts';
import { refuseBatch } from './steps/refuse.ts';
import { setExpiry } from './steps/set-expiry.ts';
import { inFlightMs, type Stop, stopBatch } from './steps/stop.ts';

/**
 * Stops batches, completes the work for ended ones, and deletes them. Every operation is safe to repeat, and the
 * sweeper repeats interrupted ones.
 */
export interface Ending {
  readonly retentionMs: number;
  /**
   * Stops a batch. It ends when none of its chunks is in flight, and after {@link inFlightMs} in any case. A second
   * stop has no effect.
   */
  stop(id: string, as: Stop): Promise<void>;
  /** Ends a batch as failed, because its input object in a bucket cannot be read. */
  refuse(batch: BatchRecord, error: Pick<ItemError, 'code' | 'message'>): Promise<void>;
  /** Removes the waiting jobs of a stopped or ended batch. */
  withdraw(id: string): Promise<void>;
  /** Does the remaining work for an ended batch: lists it as finished, and queues its result files and its webhook. */
  settle(id: string): Promise<void>;
  /**
   * Deletes all data of a batch, its record first, so that clients no longer see it.
   * @throws {ServiceError} `storage.unavailable`; the sweeper then continues the deletion.
   */
  erase(batch: Pick<BatchRecord, 'id' | 'tenant'>): Promise<void>;
}

export function createEnding(
  redis: Redis,
  queues: Queues,
  dispatcher: Dispatcher,
  queued: QueuedItems,
  stored: StoredBytes,
  payloads: PayloadStore,
  retentionHours: number,
  log: Logger,
): Ending {
  const retentionMs = Math.round(retentionHours * 3_600_000);

  async function read(id: string): Promise<BatchRecord | undefined> {
    const hash = await readFields(redis, id);
    return Object.keys(hash).length === 0 ? undefined : batchRecord.parse(hash);
  }

  async function settle(id: string): Promise<void> {
    const record = await read(id);
    await queued.release(id);
    if (record !== undefined) {
      await withdrawAll(record);
      await unlessFull(() => stored.settle(record));
      const due = record.expiresAt ?? record.createdAt + retentionMs;
      if (await enlistFinished(redis, id, due)) await logEnd(record);
      // The batch stays in the list of running batches, which the sweeper checks, until its result files are written.
      if ((await unlessFull(() => awaitsFiles(record))) !== false) return;
      if (record.webhookUrl !== undefined && record.webhookState === 'pending') {
        // A full Redis cannot queue the webhook. The batch then stays in the list, and the sweeper queues the webhook
        // later.
        if ((await unlessFull(() => queues.addWebhook(record))) === 'full') return;
      }
    }
    await redis.zrem(liveBatches(redis), id);
  }

  async function logEnd(record: BatchRecord): Promise<void> {
    const { id, tenant, state, reason, total, succeeded, failed, cancelled, model } = record;
    const failures = failed > 0 ? await redis.hgetall(batchKeys(redis, id).failures) : {};
    const ms = (record.finishedAt ?? record.createdAt) - record.createdAt;
    const items = { total, succeeded, failed, cancelled };
    log.info({ batchId: id, tenant, ...labelsOf(record), model, state, reason, items, failures, ms }, 'batch ended');
  }

  async function awaitsFiles({ id, tenant, filesState }: BatchRecord): Promise<boolean> {
    if (filesState !== 'pending') return false;
    if ((await queues.ensureTask('files', { id, tenant })) === 'live') return true;
    const filesError =
      'The result files could not be written after repeated attempts; the log of the workers has the reason';
    await setFields(redis, id, { filesState: 'failed', filesError });
    return false;
  }

  async function withdrawAll(record: BatchRecord): Promise<void> {
    const { waiting } = batchKeys(redis, record.id);
    const chunks = (await redis.smembers(waiting)).map(Number);
    await dispatcher.withdraw(record, chunks);
    await redis.del(waiting);
  }

  async function withdraw(id: string): Promise<void> {
    const record = await read(id);
    if (record !== undefined) await withdrawAll(record);
  }

  return {
    retentionMs,
    async stop(id, as) {
      const verdict = await stopBatch(redis, id, as, retentionMs);
      if (verdict === 'ended') await settle(id);
      else if (verdict === 'stopping') await withdraw(id);
    },
    async refuse({ id }, error) {
      if (await refuseBatch(redis, id, error, retentionMs)) await settle(id);
    },
    withdraw,
    settle,
    async erase({ id, tenant }) {
      // If this deletion is interrupted, the sweeper continues it, because the batch has expired.
      await setExpiry(redis, id, 0);
      const keyHash = await redis.hget(batchKeys(redis, id).batch, 'keyHash');
      if (keyHash !== null) await forgetKey(redis, tenant, keyHash, id);
      await redis.unlink(...fixedKeys(redis, id));
      await redis.zrem(tenantBatches(redis, tenant), id);
      await redis.zrem(tenantBatches(redis, everyTenant), id);
      await queued.release(id);
      await unlinkPayloads(redis, id);
      await stored.release(id);
      await redis.zrem(liveBatches(redis), id);
      if (await payloads.erase(id)) await redis.zrem(finishedBatches(redis), id);
    },
  };
}
