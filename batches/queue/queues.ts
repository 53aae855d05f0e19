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

/**
 * Adds, finds and removes jobs in all queues. There is a queue for each profile, for each kind of task, and for
 * webhooks.
 */
export interface Queues {
  /**
   * Adds jobs for chunks of a batch. `priorities` has the priority of each chunk, in the same order. A chunk that
   * already has a job keeps that job.
   */
  add(
    batch: Dispatched & Pick<BatchRecord, 'weight'>,
    chunks: readonly number[],
    priorities: readonly number[],
  ): Promise<void>;
  /** Adds the job that delivers the webhook of a batch, unless the job already exists. */
  addWebhook(batch: Owned): Promise<void>;
  /**
   * Adds the job for a task of a batch, unless this job is already waiting or running.
   * @returns `failed` when an earlier job for the task has failed permanently; then no job is added.
   */
  ensureTask(task: Task, batch: Owned): Promise<'live' | 'failed'>;
  /**
   * Returns the state of the job of a chunk: `absent`, `failed` (permanently), `completed`, or `live` (waiting, delayed
   * or active).
   */
  jobState(profile: string, batchId: string, chunk: number): Promise<'absent' | 'failed' | 'completed' | 'live'>;
  /**
   * Makes delayed jobs available at once if they are overdue, or if their delay is longer than any correct delay.
   * BullMQ computes the end of a delay with the clock of the worker that returns a job. If that clock is days ahead, a
   * chunk would wait for days.
   * @param now the time of Redis, in ms since 1970.
   */
  promoteMistimed(now: number): Promise<void>;
  /** Removes the job of a chunk, so that a new job can be added for the chunk. No worker may be processing the job. */
  remove(profile: string, batchId: string, chunk: number): Promise<void>;
  /** Removes finished, failed and delayed jobs of batches, with their logs. Safe to repeat. */
  erase(batches: readonly Pick<Dispatched, 'id' | 'profile'>[]): Promise<void>;
  /** Counts the jobs of the given profiles, or of all profiles by default. */
  counts(profiles?: readonly string[]): Promise<QueueCounts[]>;
  /**
   * Returns for each profile the number of jobs that workers have finished since the queue was created, as counted by
   * BullMQ.
   */
  finished(profiles: readonly string[]): Promise<Record<'completed' | 'failed', number>[]>;
  /** Returns true while the connection to Redis is ready. */
  isReachable(): boolean;
  /** Returns BullMQ's own queue objects, for Bull Board. */
  all(): Queue[];
  close(): Promise<void>;
}

/** The id of a batch and its tenant. Each job contains both, because workers share the jobs fairly between tenants. */
export type Owned = Pick<BatchRecord, 'id' | 'tenant'>;

/** Returns the id of a chunk's job. */
export const jobId = (batchId: string, chunk: number): string => `${batchId}-${chunk}`;
/**
 * Returns the id of the batch to which a job belongs. Every job id begins with the batch id; the job id of a task or
 * webhook is the batch id alone.
 */
const batchOfJob = (job: string): string => job.slice(0, uuidLength);
const uuidLength = 36;

/**
 * Options of the jobs of chunks. `attempts` counts errors of workers only: the error of an item is an outcome, and a
 * stalled or returned job does not count. Finished jobs are stored only for Bull Board, and take 1.2 KB of Redis each.
 * The bit of a chunk in `done` decides whether the chunk is done.
 */
const jobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: { count: 200, age: 3600 },
  removeOnFail: { count: 1000, age: 24 * 3600 },
} as const;

/** BullMQ sorts delayed jobs by a score: the due time in ms, multiplied by this factor, plus a counter. */
const scoresPerMs = 0x1000;
/** A delayed job counts as overdue from this lateness in ms. While workers run, no job is so late. */
const overdueMs = 30_000;
/**
 * Delays in ms that are longer than any correct delay: first for the job of a chunk, then for any job. A chunk is
 * delayed by at most 64 s, and a task by at most four and a half hours.
 */
const longestChunkDelayMs = 120_000;
const longestDelayMs = 6 * 3_600_000;
/**
 * The maximum number of overdue jobs that one call makes available again in each queue, and the same maximum for jobs
 * whose delay is too long.
 */
const maxPromoted = 1_000;

/**
 * The maximum length of BullMQ's event stream, which this service does not use. The default of 10,000 events would take
 * 1.5 MB of Redis per queue.
 */
const queueEvents = { maxLen: 100 };

/**
 * Options of the jobs that deliver webhooks. The pauses between attempts (10 s, 20 s, 40 s …) add up to about an hour
 * and a half, so that a receiver may be unavailable for an hour.
 */
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
      queue.on('error', (error) => log.debug({ err: error, queue: name }, 'connection error of a queue'));
      // A `Queue` object whose connection broke during BullMQ's handshake stays unusable. It is removed here, so that
      // the next use creates a new object.
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
        // The priority is at least 1, because BullMQ serves jobs of priority 0 before all other jobs.
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
          // `promote` fails when a worker has taken the job in the meantime.
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
        // These lists are short, because BullMQ keeps at most the latest thousand jobs in each of them.
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
      // Before BullMQ closes a connection, it waits until the connection is open. Without Redis it would wait forever,
      // so the queues are closed only while Redis is connected.
      if (redis.status === 'ready') await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
