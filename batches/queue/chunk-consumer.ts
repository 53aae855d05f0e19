import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { faultOfReply } from '../../shared/redis/fault.ts';
import { maintenanceQueueName, queueName, queuePrefix } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type JobData, jobData } from '../store/payload.ts';
import { watchBacklog } from './backlog-watch.ts';
import { closeWorker } from './close-worker.ts';
import { quickRecovery, refusedRestMs, restWhenRefused, workerOptions } from './worker-options.ts';

/** What a processor says of a chunk it was given. `log`: lines for whoever looks at the job in Bull Board. */
export type Verdict = { done: object; log?: string[] } | HandBack | PutBack;

/** A chunk that was not read, for its tenant has no place here now: that is no start of it, and the worker continues. */
export interface PutBack {
  putBack: string;
  /** How long its job waits before it is offered again, in milliseconds. */
  delayMs: number;
}

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

/** A consumer of chunks, which is looked after. */
export interface ChunkConsumer extends Consumer {
  /** How long chunks have waited while it was idle and took none, in milliseconds. */
  silentMs(): number;
}

/** Chunks that a worker takes at a time. */
export interface ChunkConcurrency {
  usual: number;
  /** With those of tenants that have too few places while others hold the usual ones for long. Default: no more. */
  most?: number;
  /** Whether a chunk of this tenant has a place although the usual ones are held. */
  hasPlace?: (tenant: string) => boolean;
}

/** How long all places are held before the queue is read for a chunk of another tenant, and then again; milliseconds. */
const lookEveryMs = 500;
/** The same after a chunk of such a tenant has begun or ended. */
const soonMs = 20;
/** Waiting jobs that are read. A newcomer's chunk stands in front of them: tenants have fair turns. */
const jobsRead = 100;

/**
 * Takes chunks of one profile. While all usual places are held for long, it looks in the queue for a chunk of a tenant that
 * has a place beyond them, and takes that one next. So chunks of one tenant that wait for slow hosts do not stop those of
 * another. BullMQ takes jobs in their order alone, so that chunk is moved to the front. A chunk of another tenant that
 * comes in its place, since another worker was faster, is put back by `processor`.
 */
export function consume(
  redis: Redis,
  profile: string,
  { usual, most = usual, hasPlace = () => false }: ChunkConcurrency,
  processor: (delivery: Delivery) => Promise<Verdict>,
  log: Logger,
  onRecovered: () => void = () => {},
): ChunkConsumer {
  let running = 0;
  let looking: NodeJS.Timeout | undefined;
  let resting: NodeJS.Timeout | undefined;

  const queue = new Queue(queueName(profile), { connection: redis, prefix: queuePrefix(redis) });
  queue.on('error', (error) => log.debug({ err: error, profile }, 'queue connection'));
  const processOne = async (job: Job, token?: string) => {
    const { putBack = 0, ...data } = jobData.parse(job.data);
    const end = begin();
    const verdict = await processor({
      data,
      starts: job.attemptsStarted - 1 - putBack,
      waitedMs: Math.max(0, (job.processedOn ?? Date.now()) - job.timestamp),
    }).finally(end);
    if ('done' in verdict) {
      await Promise.all([...(verdict.log ?? []).map((line) => job.log(line)), job.updateProgress(100)]);
      return verdict.done;
    }
    if ('putBack' in verdict) {
      await job.updateData({ ...data, putBack: putBack + 1 });
      await job.moveToDelayed(Date.now() + verdict.delayMs, token);
      throw new DelayedError();
    }
    rest(verdict.pauseMs);
    await job.log(`handed back: ${verdict.handBack}`);
    await job.moveToDelayed(Date.now() + verdict.delayMs, token);
    throw new DelayedError();
  };
  let worker = open();

  function open(): Worker {
    const opened = new Worker(queueName(profile), processOne, {
      ...workerOptions(redis),
      ...quickRecovery,
      concurrency: usual,
      // Its count of finished jobs, without the course of the last minutes.
      metrics: { maxDataPoints: 1 },
    });
    opened.on('error', (error) => {
      log.debug({ err: error, profile }, 'consumer connection');
      // As `restWhenRefused`, with the rest that hand-backs share.
      if (faultOfReply(error.message) !== undefined) rest(refusedRestMs);
    });
    opened.on('failed', (job, error) => log.error({ err: error, job: job?.id, profile }, 'chunk failed'));
    opened.on('stalled', (id) => {
      log.warn({ job: id, profile }, 'chunk of a dead worker taken back');
      onRecovered();
    });
    return opened;
  }

  const isIdle = () => running === 0 && resting === undefined && !worker.closing;
  const backlog = watchBacklog(redis, profile, isIdle, () => {
    log.error({ profile, silentMs: backlog.silentMs() }, 'chunks wait and this worker takes none: it begins anew');
    const silent = worker;
    worker = open();
    closeWorker(silent, true).catch((error: Error) => log.warn({ err: error, profile }, 'silent consumer not closed'));
  });

  function begin(): () => void {
    running++;
    backlog.taken();
    lookForOthers(running > usual ? soonMs : lookEveryMs);
    return () => {
      running--;
      // Beyond the usual places the next chunk is one that was looked for.
      worker.concurrency = Math.max(usual, running);
      lookForOthers(soonMs);
    };
  }

  function lookForOthers(pauseMs: number): void {
    clearTimeout(looking);
    if (running < usual || running >= most || worker.closing) return;
    looking = setTimeout(() => {
      takeOther()
        .catch((error: Error) => log.debug({ err: error, profile }, 'queue not read'))
        .finally(() => lookForOthers(lookEveryMs));
    }, pauseMs);
  }

  async function takeOther(): Promise<void> {
    for (const job of await queue.getPrioritized(0, jobsRead - 1)) {
      const tenant = jobData.safeParse(job?.data).data?.tenant;
      if (tenant === undefined || !hasPlace(tenant)) continue;
      // 0 is served before all others.
      await job.changePriority({ priority: 0, lifo: true });
      if (running < usual || running >= most || resting !== undefined || worker.closing) return;
      worker.concurrency = running + 1;
      // BullMQ reads its concurrency when a job ends, and when it is resumed.
      void worker.pause(true);
      void worker.resume();
      return;
    }
  }

  function rest(milliseconds: number): void {
    if (milliseconds === 0 || resting !== undefined || worker.closing) return;
    // `true`: what is in flight continues.
    void worker.pause(true);
    resting = setTimeout(() => {
      resting = undefined;
      void worker.resume();
    }, milliseconds);
  }
  return {
    silentMs: backlog.silentMs,
    async close(force) {
      backlog.close();
      clearTimeout(resting);
      clearTimeout(looking);
      await closeWorker(worker, force);
      if (!force) await queue.close();
    },
  };
}

/**
 * Runs `sweep` every `everyMs` in one process of all that offer to. When no sweep has come by this process for long, it
 * sweeps by itself: BullMQ writes to schedule, and a Redis that is full takes no writes, though sweeping would free it.
 */
export function scheduleMaintenance(redis: Redis, everyMs: number, sweep: () => Promise<void>, log: Logger): Consumer {
  const queue = new Queue(maintenanceQueueName, { connection: redis, prefix: queuePrefix(redis) });
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
  restWhenRefused(worker);
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
