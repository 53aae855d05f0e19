import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import { maintenanceQueueName, queueName, queuePrefix, taskQueues, webhookQueueName } from './keys.ts';
import { type JobData, jobData, payloadVersion } from './payload.ts';
import type { Dispatched } from './record.ts';
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
  add(batch: Dispatched, chunks: readonly number[], priorities: readonly number[]): Promise<void>;
  /** Enqueues the delivery of a batch's webhook, once. */
  addWebhook(batchId: string): Promise<void>;
  /**
   * Makes sure that a batch has its job of a kind.
   * @returns `failed` when it has one that failed for good, which is left as it is.
   */
  ensureTask(task: Task, batchId: string): Promise<'live' | 'failed'>;
  /** What BullMQ knows of a chunk's job: `absent`, `failed` for good, `completed`, or on its way (`live`). */
  jobState(profile: string, batchId: string, chunk: number): Promise<'absent' | 'failed' | 'completed' | 'live'>;
  /** Removes a job that is not being worked on, so that the chunk can be added again. */
  remove(profile: string, batchId: string, chunk: number): Promise<void>;
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

/** Id of a chunk's job. */
export const jobId = (batchId: string, chunk: number): string => `${batchId}-${chunk}`;

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

/** Entries of BullMQ's own event stream, which nothing here reads; its 10,000 would be 1.5 MB of Redis a queue. */
const queueEvents = { maxLen: 100 };

/** A receiver may be away for hours: 10 s, 20 s, 40 s ... up to about an hour and a half in all. */
const webhookJobOptions = {
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
      queue = new Queue(name, { connection: redis, prefix: queuePrefix, streams: { events: queueEvents } });
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
    async add({ id, tenant, profile }, chunks, priorities) {
      const jobs = chunks.map((chunk, at) => {
        const data: JobData = { v: payloadVersion, tenant, batchId: id, chunk };
        // Never 0: BullMQ serves those before all others.
        return { name: 'chunk', data, opts: { ...jobOptions, jobId: jobId(id, chunk), priority: priorities[at] ?? 1 } };
      });
      await queueOf(queueName(profile)).addBulk(jobs);
    },
    async addWebhook(batchId) {
      await queueOf(webhookQueueName).add(
        'webhook',
        { v: payloadVersion, batchId },
        { ...webhookJobOptions, jobId: batchId },
      );
    },
    async ensureTask(task, batchId) {
      const queue = queueOf(taskQueues[task]);
      const state = await queue.getJobState(batchId);
      if (state === 'failed') return state;
      if (state === 'completed') await queue.remove(batchId);
      if (state === 'completed' || state === 'unknown') {
        await queue.add(task, { v: payloadVersion, batchId }, { ...taskJobOptions[task], jobId: batchId });
      }
      return 'live';
    },
    async jobState(profile, batchId, chunk) {
      const state = await queueOf(queueName(profile)).getJobState(jobId(batchId, chunk));
      if (state === 'unknown') return 'absent';
      return state === 'failed' || state === 'completed' ? state : 'live';
    },
    async remove(profile, batchId, chunk) {
      await queueOf(queueName(profile)).remove(jobId(batchId, chunk));
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

/** What a processor says of a chunk it was given. `log`: lines for whoever looks at the job in Bull Board. */
export type Verdict = { done: object; log?: string[] } | HandBack;

/** A chunk that cannot be evaluated here now. */
export interface HandBack {
  handBack: string;
  /** How long its job waits before it is offered again, in milliseconds. */
  delayMs: number;
  /** How long this worker takes nothing, in milliseconds: one that can do nothing must not swallow the queue. */
  pauseMs: number;
}

/** A chunk's job, how often it was started before, and how long it has been in the queue, in milliseconds. */
export interface Delivery {
  data: JobData;
  starts: number;
  waitedMs: number;
}

export interface Consumer {
  /**
   * Finishes or hands back what is in hand, takes nothing new.
   * @param force waits for nothing: what is in hand comes back by its lock.
   */
  close(force?: boolean): Promise<void>;
}

/**
 * Takes chunks of one profile, `concurrency` at a time.
 *
 * A killed worker's chunk is back within lockDuration + stalledInterval. A stall is no evidence against an item, so
 * the number of stalls is as good as unbounded.
 */
export function consume(
  redis: Redis,
  profile: string,
  concurrency: number,
  processor: (delivery: Delivery) => Promise<Verdict>,
  log: Logger,
  onRecovered: () => void = () => {},
): Consumer {
  const worker = new Worker(
    queueName(profile),
    async (job: Job, token) => {
      const verdict = await processor({
        data: jobData.parse(job.data),
        starts: job.attemptsStarted - 1,
        waitedMs: Math.max(0, (job.processedOn ?? Date.now()) - job.timestamp),
      });
      if ('done' in verdict) {
        await Promise.all([...(verdict.log ?? []).map((line) => job.log(line)), job.updateProgress(100)]);
        return verdict.done;
      }
      rest(verdict.pauseMs);
      await job.log(`handed back: ${verdict.handBack}`);
      await job.moveToDelayed(Date.now() + verdict.delayMs, token);
      throw new DelayedError();
    },
    {
      connection: redis,
      prefix: queuePrefix,
      concurrency,
      lockDuration: 10_000,
      stalledInterval: 5_000,
      maxStalledCount: 1000,
      // How soon it asks again after Redis was away; BullMQ's 15 s would be 15 s of idle evaluators.
      runRetryDelay: 1_000,
      // Its count of finished jobs, without the course of the last minutes.
      metrics: { maxDataPoints: 1 },
    },
  );
  let resting: NodeJS.Timeout | undefined;
  function rest(milliseconds: number): void {
    if (milliseconds === 0 || resting !== undefined || worker.closing) return;
    // `true`: what is in hand goes on.
    void worker.pause(true);
    resting = setTimeout(() => {
      resting = undefined;
      void worker.resume();
    }, milliseconds);
  }
  worker.on('error', (error) => log.debug({ err: error, profile }, 'consumer connection'));
  worker.on('failed', (job, error) => log.error({ err: error, job: job?.id, profile }, 'chunk failed'));
  worker.on('stalled', (id) => {
    log.warn({ job: id, profile }, 'chunk of a dead worker taken back');
    onRecovered();
  });
  return {
    async close(force) {
      clearTimeout(resting);
      await closeWorker(worker, force);
    },
  };
}

/** Delivers webhooks: `deliver` is given the batch, and whether this is the last attempt; what it throws is tried again. */
export function consumeWebhooks(
  redis: Redis,
  deliver: (batchId: string, isLast: boolean) => Promise<void>,
  log: Logger,
): Consumer {
  const worker = new Worker(
    webhookQueueName,
    async (job: Job) => await deliver(String(job.data.batchId), job.attemptsMade + 1 >= webhookJobOptions.attempts),
    {
      connection: redis,
      prefix: queuePrefix,
      concurrency: 16,
      lockDuration: 60_000,
      maxStalledCount: 1000,
      runRetryDelay: 1_000,
    },
  );
  worker.on('error', (error) => log.debug({ err: error }, 'webhook connection'));
  worker.on('failed', (job, error) =>
    log.warn({ batchId: job?.data.batchId, reason: error.message }, 'webhook not delivered'),
  );
  return { close: (force) => closeWorker(worker, force) };
}

/**
 * Runs `sweep` every `everyMs` in one process of all that offer to. When no sweep has come by this process for long, it
 * sweeps by itself: BullMQ writes to schedule, and a Redis that is full takes no writes, though sweeping would free it.
 */
export function scheduleMaintenance(redis: Redis, everyMs: number, sweep: () => Promise<void>, log: Logger): Consumer {
  const options = { connection: redis, prefix: queuePrefix };
  const queue = new Queue(maintenanceQueueName, options);
  let sweptAt = performance.now();
  const run = async () => {
    sweptAt = performance.now();
    await sweep();
  };
  const worker = new Worker(maintenanceQueueName, run, {
    ...options,
    concurrency: 1,
    lockDuration: 30_000,
    maxStalledCount: 1000,
    runRetryDelay: 1_000,
  });
  const byItself = setInterval(() => {
    if (redis.status !== 'ready' || performance.now() - sweptAt < 3 * everyMs) return;
    run().catch((error: Error) => log.error({ err: error }, 'sweep failed'));
  }, everyMs);
  const onError = (error: Error) => log.debug({ err: error }, 'maintenance connection');
  queue.on('error', onError);
  worker.on('error', onError);
  worker.on('failed', (_, error) => log.error({ err: error }, 'sweep failed'));
  const kept = { removeOnComplete: { count: 20 }, removeOnFail: { count: 20 } };
  queue
    .upsertJobScheduler('sweep', { every: everyMs }, { name: 'sweep', opts: kept })
    .catch((error: Error) => log.warn({ err: error }, 'the sweep could not be scheduled'));
  return {
    async close(force) {
      clearInterval(byItself);
      await closeWorker(worker, force);
      if (!force) await queue.close();
    },
  };
}
