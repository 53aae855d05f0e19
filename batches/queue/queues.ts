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

/** All queues of jobs: one for each profile and each kind of task, and one for webhooks. */
export interface Queues {
  /** Adds jobs for chunks, with a priority for each. A chunk that has a job keeps it. */
  add(
    batch: Dispatched & Pick<BatchRecord, 'weight'>,
    chunks: readonly number[],
    priorities: readonly number[],
  ): Promise<void>;
  /** Adds the job that delivers the webhook of a batch, unless it exists. */
  addWebhook(batch: Owned): Promise<void>;
  /**
   * Adds the job for a task of a batch, unless it is waiting or running.
   * @returns `failed` when an earlier job has failed permanently; then none is added.
   */
  ensureTask(task: Task, batch: Owned): Promise<'live' | 'failed'>;
  /** `failed` is permanent. `live`: waiting, delayed or active. */
  jobState(profile: string, batchId: string, chunk: number): Promise<'absent' | 'failed' | 'completed' | 'live'>;
  /**
   * Makes delayed jobs available that are overdue, or whose delay exceeds any correct one. BullMQ computes delays with
   * the clock of the worker, which may be days ahead.
   * @param now the time of Redis, in ms since 1970.
   */
  promoteMistimed(now: number): Promise<void>;
  /** Removes the job of a chunk, so that a new one can be added. No worker may be processing it. */
  remove(profile: string, batchId: string, chunk: number): Promise<void>;
  /** Removes finished, failed and delayed jobs of batches. Safe to repeat. */
  erase(batches: readonly Pick<Dispatched, 'id' | 'profile'>[]): Promise<void>;
  /** Default: all profiles. */
  counts(profiles?: readonly string[]): Promise<QueueCounts[]>;
  /** Returns the number of jobs of each profile that finished since its queue was created. */
  finished(profiles: readonly string[]): Promise<Record<'completed' | 'failed', number>[]>;
  isReachable(): boolean;
  all(): Queue[];
  close(): Promise<void>;
}

/** Each job contains the tenant, because workers share the jobs fairly between tenants. */
export type Owned = Pick<BatchRecord, 'id' | 'tenant'>;

export const jobId = (batchId: string, chunk: number): string => `${batchId}-${chunk}`;
/** Every job id begins with the batch id. That of a task or webhook is the batch id alone. */
const batchOfJob = (job: string): string => job.slice(0, uuidLength);
const uuidLength = 36;

/**
 * `attempts` counts only errors of workers, not failed items or stalled and returned jobs. Finished jobs are stored
 * only for Bull Board, in 1.2 KB of Redis each.
 */
const jobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: { count: 200, age: 3600 },
  removeOnFail: { count: 1000, age: 24 * 3600 },
} as const;

/** BullMQ sorts delayed jobs by the due time in ms, multiplied by this factor, plus a counter. */
const scoresPerMs = 0x1000;
/** Lateness in ms after which a delayed job is overdue. While workers run, no job is so late. */
const overdueMs = 30_000;
/** Delays in ms that exceed any correct one: at most 64 s for a chunk, and four and a half hours for a task. */
const longestChunkDelayMs = 120_000;
const longestDelayMs = 6 * 3_600_000;
/** The maximum number of overdue jobs per queue and call, and of jobs with too long a delay. */
const maxPromoted = 1_000;

/** The service does not use BullMQ's events. By default (10,000) they take 1.5 MB of Redis per queue. */
const queueEvents = { maxLen: 100 };

/** The pauses (10 s, 20 s, 40 s …) add up to about an hour and a half, so a receiver may be unavailable for an hour. */
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
      // A `Queue` whose connection broke during BullMQ's handshake stays unusable. The next use creates a new one.
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
        // At least 1, because BullMQ serves priority 0 first.
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
          // Fails when a worker has taken the job meanwhile.
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
        // BullMQ keeps at most the latest thousand jobs in each.
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
      // BullMQ first waits until a connection is open, and without Redis forever.
      if (redis.status === 'ready') await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
