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
  /**
   * Runs once: recovers running batches, and deletes expired ones. It is safe while workers, API processes and other
   * sweepers run.
   */
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

/** The number of batches that are read from a list at a time. */
const pageSize = 100;
/**
 * The time in ms for which a batch may be in the list of running batches without a record. After this time it is
 * removed from the list, because the process that was creating the batch has died.
 */
const openingMs = 60_000;
/**
 * A batch may have too many payloads in a bucket to be removed at once. This is the maximum number of removal calls for
 * one batch in one run of the sweeper. One call removes thousands of payloads.
 */
const eraseCalls = 4;
/**
 * The time in ms after which the sweeper continues to delete a batch that still has payloads. It is about the time
 * until the next run of the sweeper.
 */
const nextRoundMs = 10_000;
/** The time in ms after which a failed deletion of a batch is tried again. */
const eraseAgainMs = 60_000;
/** The maximum number of lost chunks of a batch that one run of the sweeper queues again; see `lostChunks`. */
const maxRepairs = 256;
/**
 * For this time in ms after the deletion of a batch, each run of the sweeper removes the jobs of the batch. Workers may
 * still be processing some of the jobs.
 */
const eraseJobsMs = 600_000;
/**
 * The maximum number of deleted batches whose jobs one run of the sweeper removes. If there are more, the run handles
 * the batches that were deleted last.
 */
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
    // A stopped batch ends when none of its chunks is in flight, or when the maximum time for chunks in flight has
    // passed. None of its chunks is queued again.
    if (record.stopState !== undefined) return await ending.stop(id, stopOf(record));
    const open = (await redis.sunion(keys.waiting, keys.active)).map(Number);
    const lost = await lostChunks(record, new Set(open));
    if (lost.length > 0) await redis.sadd(keys.waiting, ...lost);
    for (const chunk of [...open, ...lost]) await repair(record, chunk);
    await dispatcher.refill(record);
  }

  /**
   * Returns the lost chunks of a batch. A chunk is lost if it was queued earlier and has no outcomes, but is neither
   * waiting nor active now.
   */
  async function lostChunks(record: BatchRecord, open: ReadonlySet<number>): Promise<number[]> {
    const done = await redis.getBuffer(batchKeys(redis, record.id).done);
    const isDone = bitReader(done);
    const lost: number[] = [];
    for (let chunk = 0; chunk < record.cursor; chunk++) if (!isDone(chunk) && !open.has(chunk)) lost.push(chunk);
    // The next run of the sweeper queues the remaining chunks again.
    return lost.slice(0, maxRepairs);
  }

  /**
   * Queues a chunk again if it has no outcomes and no job that is waiting or running. If its job has failed
   * permanently, all items of the chunk get an error instead.
   */
  async function repair(record: BatchRecord, chunk: number): Promise<void> {
    const state = await queues.jobState(record.profile, record.id, chunk);
    if (state === 'live') return;
    // The chunk has been committed after this run of the sweeper had read the batch.
    if ((await redis.getbit(batchKeys(redis, record.id).done, chunk)) === 1) return;
    if (state === 'failed') return await giveUp(record, chunk);
    log.warn({ batchId: record.id, chunk, state }, 'a chunk had no job in the queue and was queued again');
    if (state === 'completed') await queues.remove(record.profile, record.id, chunk);
    await dispatcher.requeue(record, [chunk]);
  }

  /** Commits the error `internal` for each item of a chunk, because the job of the chunk has failed permanently. */
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

  /** Returns the items of a chunk, or undefined when they are no longer stored. */
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
          log.error({ err: error, batchId: id }, 'cannot sweep a batch; the next sweep tries again');
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
          // This run of the sweeper deletes no further expired batches. Each of them would also wait for the
          // unavailable store, which would take too long.
          log.warn({ err: error, batchId: id }, 'a batch is only partly deleted; a later sweep deletes the rest');
          await setExpiry(redis, id, eraseAgainMs);
          return;
        }
        // These calls could not remove all payloads of the batch, so the next run of the sweeper continues.
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
