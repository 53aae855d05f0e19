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

/** The maximum number of chunks of a batch that wait in the queue. Chunks that workers are evaluating do not count. */
const windowChunks = 32;
/**
 * When a batch of a tenant has no more chunks to queue, the batches that now have the highest priority follow. This is
 * the maximum number of batches whose chunks are then queued at once. The sweeper queues chunks of the other batches.
 */
const maxResumed = 100;

/**
 * Moves the chunks of all batches into the queue. Only a limited number of chunks of each batch wait in the queue. Each
 * job gets a turn: its position in the fair order of the jobs of all tenants.
 */
export interface Dispatcher {
  /** Moves chunks of a batch into the queue until the maximum number of its chunks wait there. Safe to repeat. */
  refill(batch: Dispatched): Promise<void>;
  /** Records that a worker has taken a chunk of a batch, and moves the next chunk of the same batch into the queue. */
  taken(batch: Dispatched, chunk: number): Promise<void>;
  /**
   * Gives the turn of a job (its position in the fair order) back to its tenant, because the job had nothing to
   * evaluate. The turn then does not reduce the tenant's share.
   */
  dropTurn(profile: string, job: JobData): Promise<void>;
  /** Adds new jobs for chunks whose jobs were lost. */
  requeue(batch: Weighted, chunks: readonly number[]): Promise<void>;
  /** Stops moving chunks of a stopped or ended batch into the queue, and removes its waiting jobs. */
  withdraw(batch: Weighted, waiting: readonly number[]): Promise<void>;
}

type Weighted = Dispatched & Pick<BatchRecord, 'weight'>;

export function createDispatcher(redis: Redis, queues: Queues): Dispatcher {
  /**
   * Moves chunks of a batch into the queue. Among the batches of a tenant, only those with the highest priority get
   * chunks into the queue; the others follow when these have no chunks left. If this process dies after it has taken a
   * chunk from the batch and before it adds the job, the chunk stays in `waiting` until the sweeper adds the job.
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

  /**
   * Gives each chunk a turn (a position in the fair order of all tenants), and adds the job of the chunk to the queue.
   * The turn determines the priority of the job.
   */
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

  /** Gives the turns (positions in the fair order) of jobs that no worker processed back to their tenant. */
  async function refund(
    { id, tenant, profile, weight }: Omit<Weighted, 'priority'>,
    chunks: readonly number[],
  ): Promise<void> {
    await refundTurns(redis, profile, { tenant, weight, jobs: turnJobs(id, chunks) });
  }

  /**
   * Returns the running batch that comes first in a tenant's list of batches, which is sorted by priority. Removes
   * stopped, ended and deleted batches at the front of the list, because they would block the other batches forever.
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

  /**
   * Moves chunks into the queue for the batches that now come first in the tenant's list, because the former first
   * batch was removed from it.
   */
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
      // A full Redis refuses new jobs. The sweeper adds the jobs when Redis has free memory again.
      if (wasFirst) await unlessFull(() => refillNext(batch));
    },
  };
}

/**
 * Returns the job id and the cost of each chunk. The cost is proportional to the number of items; a chunk of
 * `smallChunks.items` items costs 1.
 */
const turnJobs = (batchId: string, chunks: readonly number[]): TurnJob[] =>
  chunks.map((chunk) => ({ id: jobId(batchId, chunk), cost: itemsOfChunk(chunk) / smallChunks.items }));
