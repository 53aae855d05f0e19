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

/** The maximum number of chunks of a batch that wait in the queue. */
const windowChunks = 32;
/**
 * The maximum number of a tenant's batches that resume at once, when a batch with a higher priority has no more chunks.
 * The sweeper resumes others.
 */
const maxResumed = 100;

/**
 * Moves chunks into the queue, where only a limited number of each batch wait. Each job gets a position in the fair
 * order of all tenants, its turn.
 */
export interface Dispatcher {
  /** Queues chunks of a batch, up to its maximum. Safe to repeat. */
  refill(batch: Dispatched): Promise<void>;
  /** Records that a worker has taken a chunk, and queues the next chunk of the batch. */
  taken(batch: Dispatched, chunk: number): Promise<void>;
  /** Credits the tenant with the cost of a job that had nothing to evaluate. */
  dropTurn(profile: string, job: JobData): Promise<void>;
  /** Adds new jobs for chunks whose jobs were lost. */
  requeue(batch: Weighted, chunks: readonly number[]): Promise<void>;
  /** Stops queueing chunks of a batch, and removes its waiting jobs. */
  withdraw(batch: Weighted, waiting: readonly number[]): Promise<void>;
}

type Weighted = Dispatched & Pick<BatchRecord, 'weight'>;

export function createDispatcher(redis: Redis, queues: Queues): Dispatcher {
  /**
   * Moves chunks of a batch into the queue. Only the batches of a tenant with the highest priority have chunks there.
   * If this process dies before it adds a job, the sweeper adds it.
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

  /** Adds the jobs of chunks. The position in the fair order determines the priority of a job. */
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

  /** Credits the tenant with the cost of jobs that no worker processed. */
  async function refund(
    { id, tenant, profile, weight }: Omit<Weighted, 'priority'>,
    chunks: readonly number[],
  ): Promise<void> {
    await refundTurns(redis, profile, { tenant, weight, jobs: turnJobs(id, chunks) });
  }

  /**
   * Returns the first batch in a tenant's list, sorted by priority. Removes ended batches before it, which would block
   * the others forever.
   */
  async function firstLive(order: string): Promise<[id: string, score: number] | []> {
    for (;;) {
      const [id, score] = await redis.zrange(order, 0, '0', 'WITHSCORES');
      if (id === undefined) return [];
      const [state, stopState] = await redis.hmget(batchKeys(redis, id).batch, 'state', 'stopState');
      if ((state === 'queued' || state === 'running') && stopState === null) return [id, Number(score)];
      await redis.zrem(order, id);
    }
  }

  /** Queues chunks of the batches that now come first in the tenant's list. */
  async function refillNext({ profile, tenant }: Dispatched): Promise<void> {
    const order = dispatchOrder(redis, profile, tenant);
    const [, score] = await firstLive(order);
    if (score === undefined) return;
    const equals = await redis.zrangebyscore(order, score, score, 'LIMIT', 0, maxResumed);
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
      // A full Redis refuses new jobs. The sweeper adds them later.
      if (wasFirst) await unlessFull(() => refillNext(batch));
    },
  };
}

/** The cost is proportional to the number of items: 1 for `smallChunks.items`. */
const turnJobs = (batchId: string, chunks: readonly number[]): TurnJob[] =>
  chunks.map((chunk) => ({ id: jobId(batchId, chunk), cost: itemsOfChunk(chunk) / smallChunks.items }));
