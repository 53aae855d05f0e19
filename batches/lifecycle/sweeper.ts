import { terminalStates } from '../../shared/contracts/batch/status.ts';
import { itemError, ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { batchKeys, deletedBatches, finishedBatches, liveBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import type { QueuedItems } from '../admission/queued-items.ts';
import type { StoredBytes } from '../admission/stored-bytes.ts';
import type { Files } from '../files/files.ts';
import type { Dispatcher } from '../queue/dispatcher.ts';
import type { Queues } from '../queue/queues.ts';
import { bitReader } from '../store/bitmap.ts';
import { decodeInput, echoed, type InputChunk } from '../store/payload.ts';
import { isLost, type PayloadStore } from '../store/payload-store.ts';
import { readFields } from '../store/read-record.ts';
import { type BatchRecord, batchRecord } from '../store/record.ts';
import type { Chunks } from './chunks.ts';
import type { Ending } from './ending.ts';
import { discardBatch } from './steps/discard.ts';
import { listExpired } from './steps/list-expired.ts';
import { setExpiry } from './steps/set-expiry.ts';
import type { Stop } from './steps/stop.ts';

/** Recovers the work of crashed processes, and deletes expired batches. */
export interface Sweeper {
  /** Runs once. Safe while workers, API processes and other sweepers run. */
  sweep(): Promise<void>;
}

export interface SweeperDeps {
  redis: Redis;
  queues: Queues;
  dispatcher: Dispatcher;
  chunks: Chunks;
  ending: Ending;
  payloads: PayloadStore;
  queued: Pick<QueuedItems, 'releaseAbsent'>;
  stored: Pick<StoredBytes, 'releaseAbsent'>;
  files: Pick<Files, 'sweep'>;
  log: Logger;
}

const pageSize = 100;
/** Milliseconds after which a listed batch without a record is removed: the process that created it has died. */
const openingMs = 60_000;
/** The maximum number of erase calls per batch and sweep. One call removes thousands of payloads from a bucket. */
const eraseCalls = 4;
/** The delay in ms of the next deletion of a batch that still has payloads: about the time until the next sweep. */
const nextRoundMs = 10_000;
/** The delay in ms after a failed deletion. */
const eraseAgainMs = 60_000;
/** The maximum number of lost chunks of a batch that one sweep queues again. */
const maxRepairs = 256;
/** The time in ms for which each sweep removes the jobs of a deleted batch. Workers may still be processing some. */
const eraseJobsMs = 600_000;
/** The maximum number of deleted batches whose jobs one sweep removes, the last deleted first. */
const maxErased = 10_000;

export function createSweeper(deps: SweeperDeps): Sweeper {
  const { redis, queues, dispatcher, chunks, ending, payloads, queued, stored, files, log } = deps;

  async function sweepBatch(id: string, createdAt: number, now: number): Promise<void> {
    const keys = batchKeys(redis, id);
    const hash = await readFields(redis, id);
    if (Object.keys(hash).length === 0) {
      if (now - createdAt > openingMs) await ending.erase({ id, tenant: 'default' });
      return;
    }
    const record = batchRecord.parse(hash);
    if (terminalStates.has(record.state)) return await ending.settle(id);
    if (record.state === 'accepting' && record.input !== undefined) {
      if ((await queues.ensureTask('intake', record)) === 'live') return;
      const message =
        'The object in the bucket could not be read after repeated attempts; the log of the workers has the reason';
      return await ending.refuse(record, { code: 'internal', message });
    }
    if (record.state === 'accepting') {
      if (await discardBatch(redis, id)) await ending.erase(record);
      return;
    }
    // None of the chunks of a stopped batch is queued again.
    if (record.stopState !== undefined) return await ending.stop(id, stopOf(record));
    const open = (await redis.sunion(keys.waiting, keys.active)).map(Number);
    const lost = await lostChunks(record, new Set(open));
    if (lost.length > 0) await redis.sadd(keys.waiting, ...lost);
    for (const chunk of [...open, ...lost]) await repair(record, chunk);
    await dispatcher.refill(record);
  }

  /** Returns the chunks that were queued and have no outcomes, but are neither waiting nor active. */
  async function lostChunks(record: BatchRecord, open: ReadonlySet<number>): Promise<number[]> {
    const done = await redis.getBuffer(batchKeys(redis, record.id).done);
    const isDone = bitReader(done);
    const lost: number[] = [];
    for (let chunk = 0; chunk < record.cursor; chunk++) if (!isDone(chunk) && !open.has(chunk)) lost.push(chunk);
    return lost.slice(0, maxRepairs);
  }

  /**
   * Queues a chunk again if it has neither outcomes nor a live job. If its job has failed permanently, its items fail.
   */
  async function repair(record: BatchRecord, chunk: number): Promise<void> {
    const state = await queues.jobState(record.profile, record.id, chunk);
    if (state === 'live') return;
    // The chunk has been committed since this sweep read the batch.
    if ((await redis.getbit(batchKeys(redis, record.id).done, chunk)) === 1) return;
    if (state === 'failed') return await giveUp(record, chunk);
    log.warn({ batchId: record.id, chunk, state }, 'a chunk had no job in the queue and was queued again');
    if (state === 'completed') await queues.remove(record.profile, record.id, chunk);
    await dispatcher.requeue(record, [chunk]);
  }

  /** Commits the error `internal` for each item of a chunk whose job has failed permanently. */
  async function giveUp(record: BatchRecord, chunk: number): Promise<void> {
    const job = { v: record.v, tenant: record.tenant, batchId: record.id, chunk };
    const input = await readInput(record.id, chunk);
    if (input === undefined) return await chunks.fail(job);
    const error = itemError(
      'internal',
      'Workers repeatedly failed to evaluate the chunk that contains this item; the log of its job has the reason',
    );
    const results = input.items.map((item, at) => ({
      index: input.offset + at,
      ...echoed(item),
      status: 'failed' as const,
      error,
    }));
    log.error({ batchId: record.id, chunk }, 'chunk failed permanently');
    await chunks.commit(job, input, results);
  }

  /** Returns undefined when the items are no longer stored. */
  async function readInput(id: string, chunk: number): Promise<InputChunk | undefined> {
    const stored = await redis.hgetBuffer(batchKeys(redis, id).input(chunk), String(chunk));
    if (stored === null) return undefined;
    try {
      return decodeInput(await payloads.get(id, stored));
    } catch (error) {
      if (error instanceof ServiceError && isLost(error)) return undefined;
      throw error;
    }
  }

  async function sweepLive(): Promise<void> {
    const now = await redisTime(redis);
    for (let start = 0; ; start += pageSize) {
      const page = await redis.zrange(liveBatches(redis), start, String(start + pageSize - 1), 'WITHSCORES');
      for (let at = 0; at + 1 < page.length; at += 2) {
        const id = page[at] ?? '';
        await sweepBatch(id, Number(page[at + 1]), now).catch((error: unknown) => {
          log.error({ err: error, batchId: id }, 'cannot clean up a batch; the next sweep tries again');
        });
      }
      if (page.length < 2 * pageSize) return;
    }
  }

  const isListed = async (id: string) => (await redis.zscore(finishedBatches(redis), id)) !== null;

  async function sweepFinished(): Promise<void> {
    for (;;) {
      const ids = await listExpired(redis, pageSize);
      for (const id of ids) {
        const tenant = await redis.hget(batchKeys(redis, id).batch, 'tenant');
        try {
          for (let call = 0; call < eraseCalls && (call === 0 || (await isListed(id))); call++) {
            await ending.erase({ id, tenant: tenant ?? 'default' });
          }
        } catch (error) {
          // The other expired batches would also wait for the unavailable store, which would take too long.
          log.warn({ err: error, batchId: id }, 'a batch is only partly deleted; a later sweep deletes the rest');
          await setExpiry(redis, id, eraseAgainMs);
          return;
        }
        // Some payloads remain, so the next sweep continues.
        if (await isListed(id)) await setExpiry(redis, id, nextRoundMs);
        else log.info({ batchId: id }, 'batch expired');
      }
      if (ids.length < pageSize) return;
    }
  }

  async function sweepDeleted(): Promise<void> {
    await redis.zremrangebyscore(deletedBatches(redis), 0, (await redisTime(redis)) - eraseJobsMs);
    const deleted = await redis.zrange(deletedBatches(redis), -maxErased, '-1');
    if (deleted.length === 0) return;
    await queues.erase(
      deleted.map((entry) => {
        const at = entry.indexOf(':');
        return { id: entry.slice(0, at), profile: entry.slice(at + 1) };
      }),
    );
  }

  return {
    async sweep() {
      await sweepLive();
      await sweepFinished();
      await sweepDeleted();
      await files
        .sweep()
        .catch((error: unknown) =>
          log.warn({ err: error }, 'cannot sweep the uploaded files; the next sweep tries again'),
        );
      await queued.releaseAbsent();
      await stored.releaseAbsent();
      await queues.promoteMistimed(await redisTime(redis));
    },
  };
}

const stopOf = ({ stopState, stopReason }: BatchRecord): Stop =>
  stopState === 'failed' ? { state: stopState, reason: stopReason || 'failure_budget' } : { state: 'cancelled' };
