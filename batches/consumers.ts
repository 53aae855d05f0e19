import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import { maintenanceQueueName, queueName, queuePrefix, webhookQueueName } from './keys.ts';
import { type JobData, jobData } from './payload.ts';
import { webhookJobOptions } from './queues.ts';
import { quickRecovery, workerOptions } from './worker-options.ts';

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

/** Takes chunks of one profile, `concurrency` at a time. */
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
      ...workerOptions(redis),
      ...quickRecovery,
      concurrency,
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
      ...workerOptions(redis),
      concurrency: 16,
      lockDuration: 60_000,
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
  const queue = new Queue(maintenanceQueueName, { connection: redis, prefix: queuePrefix });
  let sweptAt = performance.now();
  const run = async () => {
    sweptAt = performance.now();
    await sweep();
  };
  const worker = new Worker(maintenanceQueueName, run, {
    ...workerOptions(redis),
    concurrency: 1,
    lockDuration: 30_000,
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
