import { Queue } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { maintenanceQueueName, queueName, queuePrefix, taskQueues, webhookQueueName } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type JobData, payloadVersion } from '../store/payload.ts';
import type { BatchRecord, Dispatched } from '../store/record.ts';
import { type Task, taskJobOptions } from './tasks.ts';

export interface QueueCounts {
  name: string;
  waiting: number;
  active: number;
  failed: number;
  workers: number;
}

/** The queues of all profiles, from the side that fills them. */
export interface Queues {
  /** Enqueues chunks of a batch, each with its priority; one that is queued already stays as it is. */
  add(
    batch: Dispatched & Pick<BatchRecord, 'weight'>,
    chunks: readonly number[],
    priorities: readonly number[],
  ): Promise<void>;
  /** Enqueues the delivery of a batch's webhook, once. */
  addWebhook(batch: Owned): Promise<void>;
  /**
   * Makes sure that a batch has its job of a kind.
   * @returns `failed` when it has one that failed for good, which is left as it is.
   */
  ensureTask(task: Task, batch: Owned): Promise<'live' | 'failed'>;
  /** What BullMQ knows of a chunk's job: `absent`, `failed` for good, `completed`, or on its way (`live`). */
  jobState(profile: string, batchId: string, chunk: number): Promise<'absent' | 'failed' | 'completed' | 'live'>;
  /**
   * Offers delayed jobs at once whose time is over, or further off than any delay. BullMQ delays by the clock of the worker
   * that hands a job back: without this a chunk would wait for days when that clock was days ahead.
   * @param now the time of Redis, in ms since 1970.
   */
  promoteMistimed(now: number): Promise<void>;
  /** Removes a job that is not being worked on, so that the chunk can be added again. */
  remove(profile: string, batchId: string, chunk: number): Promise<void>;
  /** Removes what the queues still hold of batches: jobs that are finished, failed or delayed, with their logs. Safe to repeat. */
  erase(batches: readonly Pick<Dispatched, 'id' | 'profile'>[]): Promise<void>;
  /** The queues of these profiles, by default of all. */
  counts(profiles?: readonly string[]): Promise<QueueCounts[]>;
  /** Jobs that workers have finished since the queue is there, by BullMQ's own count; for each of these profiles. */
  finished(profiles: readonly string[]): Promise<Record<'completed' | 'failed', number>[]>;
  /** Whether Redis answers at this moment. */
  isReachable(): boolean;
  /** BullMQ's own objects, for Bull Board. */
  all(): Queue[];
  close(): Promise<void>;
}

/** A batch, and the tenant that its work is shared by. */
export type Owned = Pick<BatchRecord, 'id' | 'tenant'>;

/** Id of a chunk's job. */
export const jobId = (batchId: string, chunk: number): string => `${batchId}-${chunk}`;
/** The batch of a job. Other jobs than those of chunks have its id for their own. */
const batchOfJob = (job: string): string => job.slice(0, uuidLength);
const uuidLength = 36;

/**
 * `attempts` counts faults of workers, never of items: an item's failure is an outcome, and a stalled or handed-back
 * chunk is no attempt. Finished jobs are kept for a look in Bull Board, at 1.2 KB of Redis each; the truth about a chunk is
 * its done bit.
 */
const jobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: { count: 200, age: 3600 },
  removeOnFail: { count: 1000, age: 24 * 3600 },
} as const;

/** BullMQ's score of a delayed job is its time in ms times this, and a counter below it. */
const scoresPerMs = 0x1000;
/** A delayed job is taken up this much late at most, in milliseconds, where any worker is there. */
const overdueMs = 30_000;
/** Delays are shorter than this, in milliseconds: 64 s of a chunk's last attempt, four and a half hours of a task's. */
const longestChunkDelayMs = 120_000;
const longestDelayMs = 6 * 3_600_000;
/** Jobs of one queue that are promoted in one round, on either side. */
const maxPromoted = 1_000;

/** Entries of BullMQ's own event stream, which nothing here reads; its 10,000 would be 1.5 MB of Redis a queue. */
const queueEvents = { maxLen: 100 };

/** A receiver may be away for hours: 10 s, 20 s, 40 s ... up to about an hour and a half in all. */
export const webhookJobOptions = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 10_000, jitter: 0.2 },
  removeOnComplete: { count: 1000, age: 3600 },
  removeOnFail: { count: 1000, age: 24 * 3600 },
} as const;

export function createQueues(redis: Redis, profiles: () => readonly string[], log: Logger): Queues {
  const queues = new Map<string, Queue>();
  const queueOf = (name: string): Queue => {
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = new Queue(name, { connection: redis, prefix: queuePrefix(redis), streams: { events: queueEvents } });
      queue.on('error', (error) => log.debug({ err: error, queue: name }, 'queue connection'));
      // One whose connection broke while BullMQ got to know the server stays unusable: the next use makes another.
      queue.waitUntilReady().catch(() => queues.delete(name));
      queues.set(name, queue);
    }
    return queue;
  };
  const chunkQueues = (of = profiles()) => of.map(queueName);
  const shown = () => {
    const names = chunkQueues();
    return names.length > 0 ? [...names, ...Object.values(taskQueues), webhookQueueName, maintenanceQueueName] : [];
  };
  for (const name of shown()) queueOf(name);

  return {
    async add({ id, tenant, profile, weight }, chunks, priorities) {
      const jobs = chunks.map((chunk, at) => {
        const data: JobData = { v: payloadVersion, tenant, batchId: id, chunk, weight };
        // Never 0: BullMQ serves those before all others.
        return { name: 'chunk', data, opts: { ...jobOptions, jobId: jobId(id, chunk), priority: priorities[at] ?? 1 } };
      });
      await queueOf(queueName(profile)).addBulk(jobs);
    },
    async addWebhook({ id, tenant }) {
      await queueOf(webhookQueueName).add(
        'webhook',
        { v: payloadVersion, tenant, batchId: id },
        { ...webhookJobOptions, jobId: id },
      );
    },
    async ensureTask(task, { id, tenant }) {
      const queue = queueOf(taskQueues[task]);
      const state = await queue.getJobState(id);
      if (state === 'failed') return state;
      if (state === 'completed') await queue.remove(id);
      if (state === 'completed' || state === 'unknown') {
        await queue.add(task, { v: payloadVersion, tenant, batchId: id }, { ...taskJobOptions[task], jobId: id });
      }
      return 'live';
    },
    async jobState(profile, batchId, chunk) {
      const state = await queueOf(queueName(profile)).getJobState(jobId(batchId, chunk));
      if (state === 'unknown') return 'absent';
      return state === 'failed' || state === 'completed' ? state : 'live';
    },
    async promoteMistimed(now) {
      for (const queue of queues.values()) {
        const isOfChunks = queue.name.startsWith(queueName(''));
        const [over, tooFar] = [now - overdueMs, now + (isOfChunks ? longestChunkDelayMs : longestDelayMs)];
        const delayed = queue.toKey('delayed');
        const ids = await Promise.all([
          redis.zrangebyscore(delayed, '-inf', over * scoresPerMs, 'LIMIT', 0, maxPromoted),
          redis.zrangebyscore(delayed, tooFar * scoresPerMs, '+inf', 'LIMIT', 0, maxPromoted),
        ]);
        for (const id of ids.flat()) {
          const job = await queue.getJob(id);
          // It may have been taken in between.
          await job?.promote().catch((error: Error) => log.debug({ err: error, job: id }, 'delayed job not promoted'));
        }
      }
    },
    async remove(profile, batchId, chunk) {
      await queueOf(queueName(profile)).remove(jobId(batchId, chunk));
    },
    async erase(batches) {
      const ids = new Set(batches.map(({ id }) => id));
      const profiles = new Set(batches.map(({ profile }) => profile));
      for (const name of [...[...profiles].map(queueName), webhookQueueName, ...Object.values(taskQueues)]) {
        const queue = queueOf(name);
        // No more than the last thousand of each are kept, so these lists are short.
        for (const set of ['completed', 'failed', 'delayed'] as const) {
          const jobs = await redis.zrange(queue.toKey(set), 0, '-1');
          for (const job of jobs) if (ids.has(batchOfJob(job))) await queue.remove(job);
        }
      }
    },
    async counts(of) {
      return await Promise.all(
        chunkQueues(of)
          .map(queueOf)
          .map(async (queue) => {
            const [counts, workers] = await Promise.all([
              queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed'),
              queue.getWorkersCount(),
            ]);
            const { waiting = 0, prioritized = 0, delayed = 0, active = 0, failed = 0 } = counts;
            return { name: queue.name, waiting: waiting + prioritized + delayed, active, failed, workers };
          }),
      );
    },
    async finished(of) {
      return await Promise.all(
        chunkQueues(of)
          .map(queueOf)
          .map(async (queue) => {
            const [completed, failed] = await Promise.all([
              queue.getMetrics('completed', 0, 0),
              queue.getMetrics('failed', 0, 0),
            ]);
            return { completed: completed.meta.count, failed: failed.meta.count };
          }),
      );
    },
    isReachable: () => redis.status === 'ready',
    all: () => [...new Set([...shown().map(queueOf), ...queues.values()])],
    async close() {
      // BullMQ waits for a connection before it closes one; without Redis there is nothing to close.
      if (redis.status === 'ready') await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
