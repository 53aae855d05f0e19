import { terminalStates } from '../../shared/contracts/batch.ts';
import { itemError, ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { batchKeys, deletedBatches, finishedBatches, liveBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import type { QueuedItems } from '../admission/queued-items.ts';
import type { StoredBytes } from '../admission/stored-bytes.ts';
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

/** Repairs what a dead process left, and forgets what has had its time. */
export interface Sweeper {
  /** One round over all live batches; safe beside workers, APIs and another sweeper. */
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
  log: Logger;
}

/** Batches read at a time. */
const pageSize = 100;
/** A batch is listed before it is opened; if nothing came after that for so long, in ms, its sender has died. */
const openingMs = 60_000;
/** How often in one round a batch's payloads in a bucket are gone on with, some thousands at a time. */
const forgetCalls = 4;
/** Between two rounds, in milliseconds, about. */
const nextRoundMs = 10_000;
/** When a batch that could not be wholly forgotten is tried again, in milliseconds. */
const forgetAgainMs = 60_000;
/** Lost chunks of one batch that are queued again in one round. */
const maxRepairs = 256;
/** Jobs of deleted batches are erased for so long after the deletion, in milliseconds: one may be worked on meanwhile. */
const eraseMs = 600_000;
/** Deleted batches whose jobs are erased in one round, the latest. */
const maxErased = 10_000;

export function createSweeper(deps: SweeperDeps): Sweeper {
  const { redis, queues, dispatcher, chunks, ending, payloads, queued, stored, log } = deps;

  async function sweepBatch(id: string, createdAt: number, now: number): Promise<void> {
    const keys = batchKeys(redis, id);
    const hash = await readFields(redis, id);
    if (Object.keys(hash).length === 0) {
      if (now - createdAt > openingMs) await ending.forget({ id, tenant: 'default' });
      return;
    }
    const record = batchRecord.parse(hash);
    if (terminalStates.has(record.state)) return await ending.settle(id);
    if (record.state === 'accepting' && record.input !== undefined) {
      if ((await queues.ensureTask('intake', record)) === 'live') return;
      const message = 'Reading the object failed again and again; the log says why';
      return await ending.refuse(record, { code: 'internal', message });
    }
    if (record.state === 'accepting') {
      if (await discardBatch(redis, id)) await ending.forget(record);
      return;
    }
    // Ends when its chunks in flight have, or when their time is up; nothing of it is queued again.
    if (record.stopState !== undefined) return await ending.stop(id, stopOf(record));
    const open = (await redis.sunion(keys.waiting, keys.active)).map(Number);
    const lost = await lostChunks(record, new Set(open));
    if (lost.length > 0) await redis.sadd(keys.waiting, ...lost);
    for (const chunk of [...open, ...lost]) await repair(record, chunk);
    await dispatcher.refill(record);
  }

  /** Chunks that were let into the queue, have no outcomes, and that nobody has in hand. */
  async function lostChunks(record: BatchRecord, open: ReadonlySet<number>): Promise<number[]> {
    const done = await redis.getBuffer(batchKeys(redis, record.id).done);
    const isDone = bitReader(done);
    const lost: number[] = [];
    for (let chunk = 0; chunk < record.cursor; chunk++) if (!isDone(chunk) && !open.has(chunk)) lost.push(chunk);
    // A repair each; the rest is found in the next round.
    return lost.slice(0, maxRepairs);
  }

  /** A chunk that was let into the queue must have a job there, until its outcomes are committed. */
  async function repair(record: BatchRecord, chunk: number): Promise<void> {
    const state = await queues.jobState(record.profile, record.id, chunk);
    if (state === 'live') return;
    // Committed between the two looks.
    if ((await redis.getbit(batchKeys(redis, record.id).done, chunk)) === 1) return;
    if (state === 'failed') return await giveUp(record, chunk);
    log.warn({ batchId: record.id, chunk, state }, 'chunk without a job, queued again');
    if (state === 'completed') await queues.remove(record.profile, record.id, chunk);
    await dispatcher.requeue(record, [chunk]);
  }

  /** A chunk that failed for good ends with the code `internal` on each of its items. */
  async function giveUp(record: BatchRecord, chunk: number): Promise<void> {
    const job = { v: record.v, tenant: record.tenant, batchId: record.id, chunk };
    const input = await readInput(record.id, chunk);
    if (input === undefined) return await chunks.fail(job);
    const error = itemError('internal', 'The chunk of this item failed again and again; the log of its job says why');
    const results = input.items.map((item, at) => ({
      index: input.offset + at,
      ...echoed(item),
      status: 'failed' as const,
      error,
    }));
    log.error({ batchId: record.id, chunk }, 'chunk failed for good');
    await chunks.commit(job, input, results);
  }

  /** Nothing when they are gone for good. */
  async function readInput(id: string, chunk: number): Promise<InputChunk | undefined> {
    const kept = await redis.hgetBuffer(batchKeys(redis, id).input(chunk), String(chunk));
    if (kept === null) return undefined;
    try {
      return decodeInput(await payloads.get(id, kept));
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
          log.error({ err: error, batchId: id }, 'batch not swept');
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
          for (let call = 0; call < forgetCalls && (call === 0 || (await isListed(id))); call++) {
            await ending.forget({ id, tenant: tenant ?? 'default' });
          }
        } catch (error) {
          // Others get their turn; and a store that is away should not be waited for once for each of them.
          log.warn({ err: error, batchId: id }, 'batch not wholly forgotten yet');
          await setExpiry(redis, id, forgetAgainMs);
          return;
        }
        // One with too many payloads for one call continues in the next round.
        if (await isListed(id)) await setExpiry(redis, id, nextRoundMs);
        else log.info({ batchId: id }, 'batch expired');
      }
      if (ids.length < pageSize) return;
    }
  }

  async function sweepDeleted(): Promise<void> {
    await redis.zremrangebyscore(deletedBatches(redis), 0, (await redisTime(redis)) - eraseMs);
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
      await queued.releaseAbsent();
      await stored.releaseAbsent();
      await queues.promoteMistimed(await redisTime(redis));
    },
  };
}

const stopOf = ({ stopState, stopReason }: BatchRecord): Stop =>
  stopState === 'failed' ? { state: stopState, reason: stopReason || 'failure_budget' } : { state: 'cancelled' };
