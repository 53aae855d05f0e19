import { unlessFull } from '../../shared/redis/fault.ts';
import { batchKeys, dispatchOrder, turnKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { itemsOfChunk, smallChunks } from '../store/chunk-sizes.ts';
import type { JobData } from '../store/payload.ts';
import type { BatchRecord, Dispatched } from '../store/record.ts';
import { takeNextChunks } from './next-chunks.ts';
import { jobId, type Queues } from './queues.ts';
import { refundTurns } from './refund-turns.ts';
import { type TurnJob, takeTurns } from './take-turns.ts';

/** Chunks of one batch that wait in the queue at most; those being evaluated come on top. */
const windowChunks = 32;
/** Held batches of equal priority that are woken together; the sweeper wakes the rest. */
const maxWoken = 100;

/** Brings the chunks of many batches into the queue, a window of each, in fair turns of their tenants. */
export interface Dispatcher {
  /** A batch has been sealed, or may have room in its window. Safe to repeat. */
  refill(batch: Dispatched): Promise<void>;
  /** A chunk has been taken from the queue: its tenant's turn is over, and the next chunk may come in. */
  taken(batch: Dispatched, chunk: number): Promise<void>;
  /** A chunk's job was taken and has nothing to evaluate: its tenant gets the turn back. */
  dropTurn(profile: string, job: JobData): Promise<void>;
  /** Puts chunks into the queue that were let through before and have lost their job. */
  requeue(batch: Weighted, chunks: readonly number[]): Promise<void>;
  /** A batch has ended: its place in the order is free, and so are the jobs that still wait. */
  withdraw(batch: Weighted, waiting: readonly number[]): Promise<void>;
}

type Weighted = Dispatched & Pick<BatchRecord, 'weight'>;

export function createDispatcher(redis: Redis, queues: Queues): Dispatcher {
  /**
   * Among a tenant's own batches the higher priority goes first: while one has chunks left to dispatch, the windows of
   * those below it run dry. A chunk that was let through and not enqueued, because the process died between the two,
   * stays in `waiting` until the sweeper finds it without a job.
   */
  async function refill(batch: Dispatched, takenJob = ''): Promise<void> {
    const order = dispatchOrder(redis, batch.profile, batch.tenant);
    const [top, topScore] = await firstLive(order);
    const isHeld = topScore !== undefined && topScore < -batch.priority;
    const { chunks, hasMore, weight } = await takeNextChunks(redis, batch.id, isHeld ? 0 : windowChunks);
    await enqueue(batch, weight, chunks, takenJob);
    if (hasMore) {
      if (top !== batch.id) await redis.zadd(order, 'NX', -batch.priority, batch.id);
    } else if ((await redis.zrem(order, batch.id)) === 1) await refillNext(batch);
  }

  /** Takes a turn for each chunk, and enqueues it with the priority that its turn gives it. */
  async function enqueue(
    batch: Dispatched,
    weight: number,
    chunks: readonly number[],
    takenJob: string,
  ): Promise<void> {
    if (chunks.length === 0 && takenJob === '') return;
    const { id, tenant, profile } = batch;
    const priorities = await takeTurns(redis, profile, { takenJob, tenant, weight, jobs: turnJobs(id, chunks) });
    if (chunks.length > 0) await queues.add({ ...batch, weight }, chunks, priorities);
  }

  /** Turns that were never served are not charged. */
  async function refund(
    { id, tenant, profile, weight }: Omit<Weighted, 'priority'>,
    chunks: readonly number[],
  ): Promise<void> {
    await refundTurns(redis, profile, { tenant, weight, jobs: turnJobs(id, chunks) });
  }

  /** The first of an order; one that has ended meanwhile is taken out, as it would hold the others for ever. */
  async function firstLive(order: string): Promise<[id: string, score: number] | []> {
    for (;;) {
      const [id, score] = await redis.zrange(order, 0, '0', 'WITHSCORES');
      if (id === undefined) return [];
      const [state, stopState] = await redis.hmget(batchKeys(redis, id).batch, 'state', 'stopState');
      if ((state === 'queued' || state === 'running') && stopState === null) return [id, Number(score)];
      await redis.zrem(order, id);
    }
  }

  /** The order's first place has become free: whoever was held behind it may go on. */
  async function refillNext({ profile, tenant }: Dispatched): Promise<void> {
    const order = dispatchOrder(redis, profile, tenant);
    const [, score] = await firstLive(order);
    if (score === undefined) return;
    const equals = await redis.zrangebyscore(order, score, score, 'LIMIT', 0, maxWoken);
    for (const id of equals) await refill({ id, tenant, profile, priority: -score });
  }

  return {
    refill: (batch) => refill(batch),
    taken: (batch, chunk) => refill(batch, jobId(batch.id, chunk)),
    async dropTurn(profile, { batchId, tenant, chunk, weight }) {
      if (weight === undefined) await redis.hdel(turnKeys(redis, profile).starts, jobId(batchId, chunk));
      else await refund({ id: batchId, tenant, profile, weight }, [chunk]);
    },
    requeue: (batch, chunks) => enqueue(batch, batch.weight, chunks, ''),
    async withdraw(batch, waiting) {
      const wasFirst = (await redis.zrem(dispatchOrder(redis, batch.profile, batch.tenant), batch.id)) === 1;
      if (waiting.length > 0) await refund(batch, waiting);
      for (const chunk of waiting) await queues.remove(batch.profile, batch.id, chunk);
      // A full Redis lets no chunk in; the sweeper does when it has room.
      if (wasFirst) await unlessFull(() => refillNext(batch));
    },
  };
}

/** The jobs of chunks with their cost, in units of a small chunk. */
const turnJobs = (batchId: string, chunks: readonly number[]): TurnJob[] =>
  chunks.map((chunk) => ({ id: jobId(batchId, chunk), cost: itemsOfChunk(chunk) / smallChunks.items }));
