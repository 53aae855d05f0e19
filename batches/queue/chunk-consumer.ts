import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { faultOfReply } from '../../shared/redis/fault.ts';
import { queueName, queuePrefix } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type JobData, jobData } from '../store/payload.ts';
import { watchBacklog } from './backlog-watch.ts';
import { closeWorker } from './close-worker.ts';
import type { JobConsumer } from './job-consumer.ts';
import { quickRecovery, refusedRestMs, workerOptions } from './worker-options.ts';

/** The result of processing a chunk. `log` has the lines that Bull Board shows for the job. */
export type Verdict = { done: object; log?: string[] } | HandBack | PutBack;

/**
 * Returns a chunk to the queue before its items are read, because this worker takes no chunks of its tenant now. It
 * does not count as a start of the chunk, and the worker continues with other chunks.
 */
export interface PutBack {
  putBack: string;
  /** The time in ms until the job is offered again. */
  delayMs: number;
}

/** Returns a chunk to the queue because this worker has started it but cannot evaluate it now. */
export interface HandBack {
  handBack: string;
  /** The time in ms until the job is offered again. */
  delayMs: number;
  /** The time in ms for which this worker takes no jobs. It prevents a faulty worker from emptying the queue. */
  pauseMs: number;
}

/**
 * A job that evaluates a chunk. `starts` is the number of its earlier starts, and `waitedMs` is the time in ms that it
 * waited in the queue.
 */
export interface Delivery {
  data: JobData;
  starts: number;
  waitedMs: number;
}

/** Takes chunks from the queue, and detects when it receives none although chunks are waiting. */
export interface ChunkConsumer extends JobConsumer {
  /** Returns for how many ms chunks have been waiting while this consumer was idle and received none. */
  silentMs(): number;
}

/** The limits for the chunks that a worker processes at the same time. Each of them occupies a slot. */
export interface ChunkConcurrency {
  usual: number;
  /**
   * The maximum number of slots. The slots beyond `usual` are only for chunks of tenants for which `hasPlace` returns
   * true. Default: `usual`.
   */
  most?: number;
  /** Returns true when a chunk of this tenant may occupy a slot beyond the usual ones. */
  hasPlace?: (tenant: string) => boolean;
}

/**
 * When all usual slots have been occupied for this time in ms, the consumer searches the queue for a chunk of another
 * tenant. It is also the interval between two searches.
 */
const searchEveryMs = 500;
/** The time in ms until the next search after a chunk has started in an additional slot or any chunk has ended. */
const soonMs = 20;
/**
 * The number of waiting jobs that a search reads. Tenants take turns, so the chunk of a new tenant is among the first
 * jobs.
 */
const jobsRead = 100;

/**
 * Takes chunks of one profile. When all usual slots have been occupied for a while, it searches the queue for a chunk
 * of a tenant that may have an additional slot, and moves this chunk to the front, because BullMQ takes jobs in order.
 * A tenant whose chunks wait for slow hosts thus does not block other tenants. If another worker takes the chunk first,
 * this worker gets a different one, which `processor` puts back.
 */
export function consumeChunks(
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
  queue.on('error', (error) => log.debug({ err: error, profile }, 'connection error of the chunk queue'));
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
      // With this setting BullMQ counts the finished jobs but stores no history of the counts.
      metrics: { maxDataPoints: 1 },
    });
    opened.on('error', (error) => {
      log.debug({ err: error, profile }, 'connection error of a consumer of chunks');
      // Pauses the worker after an error of Redis, as `restWhenRefused` does. It uses `rest`, so that this pause and
      // the pauses after a chunk was handed back share one timer.
      if (faultOfReply(error.message) !== undefined) rest(refusedRestMs);
    });
    opened.on('failed', (job, error) => log.error({ err: error, job: job?.id, profile }, 'chunk failed'));
    opened.on('stalled', (id) => {
      log.warn({ job: id, profile }, 'chunk of a dead worker returned to the queue');
      onRecovered();
    });
    return opened;
  }

  const isIdle = () => running === 0 && resting === undefined && !worker.closing;
  const backlog = watchBacklog(redis, profile, isIdle, () => {
    log.error(
      { profile, silentMs: backlog.silentMs() },
      'chunks are waiting but this worker receives none, so it opens a new connection',
    );
    const silent = worker;
    worker = open();
    closeWorker(silent, true).catch((error: Error) =>
      log.warn({ err: error, profile }, 'cannot close the connection that receives no chunks'),
    );
  });

  function begin(): () => void {
    running++;
    backlog.taken();
    searchForOthers(running > usual ? soonMs : searchEveryMs);
    return () => {
      running--;
      // Lowers the concurrency to the number of occupied slots. Beyond the usual slots, the worker must take only a
      // chunk that a search has found.
      worker.concurrency = Math.max(usual, running);
      searchForOthers(soonMs);
    };
  }

  function searchForOthers(pauseMs: number): void {
    clearTimeout(looking);
    if (running < usual || running >= most || worker.closing) return;
    looking = setTimeout(() => {
      takeOther()
        .catch((error: Error) => log.debug({ err: error, profile }, 'cannot read the chunk queue'))
        .finally(() => searchForOthers(searchEveryMs));
    }, pauseMs);
  }

  async function takeOther(): Promise<void> {
    for (const job of await queue.getPrioritized(0, jobsRead - 1)) {
      const tenant = jobData.safeParse(job?.data).data?.tenant;
      if (tenant === undefined || !hasPlace(tenant)) continue;
      // BullMQ serves priority 0 first.
      await job.changePriority({ priority: 0, lifo: true });
      if (running < usual || running >= most || resting !== undefined || worker.closing) return;
      worker.concurrency = running + 1;
      // BullMQ reads its concurrency only when a job ends or when the worker is resumed, so the worker is paused and
      // resumed here.
      void worker.pause(true);
      void worker.resume();
      return;
    }
  }

  function rest(milliseconds: number): void {
    if (milliseconds === 0 || resting !== undefined || worker.closing) return;
    // With `true`, `pause` does not wait for jobs in flight.
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
