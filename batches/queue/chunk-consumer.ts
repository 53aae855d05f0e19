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
 * The verdict that returns a chunk to the queue before its items are read, because this worker accepts no chunks of its
 * tenant now. The chunk does not count as started, and the worker continues with other chunks.
 */
export interface PutBack {
  putBack: string;
  /** The time in ms after which workers can take the job again. */
  delayMs: number;
}

/**
 * The verdict that returns a chunk to the queue, because this worker has started the chunk but cannot evaluate it now.
 */
export interface HandBack {
  handBack: string;
  /** The time in ms after which workers can take the job again. */
  delayMs: number;
  /**
   * The time in ms for which this worker then takes no jobs. Without the pause, a faulty worker would take and return
   * every job in the queue.
   */
  pauseMs: number;
}

/**
 * A job that evaluates a chunk. `starts` is the number of earlier times that workers started it. `waitedMs` is the time
 * in ms for which it waited in the queue.
 */
export interface Delivery {
  data: JobData;
  starts: number;
  waitedMs: number;
}

/** Takes chunks from the queue, and detects when it receives no chunks although chunks are waiting. */
export interface ChunkConsumer extends JobConsumer {
  /**
   * Returns the time in ms for which this consumer has been idle without receiving a chunk although chunks were
   * waiting.
   */
  silentMs(): number;
}

/**
 * Limits the number of chunks that a worker processes at the same time. Each chunk in process occupies one of a number
 * of slots.
 */
export interface ChunkConcurrency {
  usual: number;
  /**
   * The maximum number of chunks in process. More than `usual` chunks are processed only if `hasPlace` returns true for
   * the tenants of the additional chunks. Default: `usual`.
   */
  most?: number;
  /** Returns true when the worker may process a chunk of this tenant although it already processes `usual` chunks. */
  hasPlace?: (tenant: string) => boolean;
}

/**
 * When the worker has processed `usual` chunks at a time for this time in ms, it searches the queue for a chunk of
 * another tenant. It repeats the search at this interval.
 */
const searchEveryMs = 500;
/**
 * The time in ms until the next search for a chunk of another tenant, after any chunk has ended or a chunk beyond
 * `usual` has started.
 */
const soonMs = 20;
/**
 * The number of waiting jobs that one search reads. The jobs of all tenants alternate in the queue, so the chunk of a
 * new tenant is among the first jobs.
 */
const jobsRead = 100;

/**
 * Takes chunks of one profile, at most `usual` at the same time. When all these are in process for a while, it searches
 * the queue for a chunk of a tenant that may have an additional one. It moves this chunk to the front, because BullMQ
 * takes jobs in order. A tenant whose chunks wait for slow image hosts thus does not block other tenants. If another
 * worker takes the chunk first, this worker gets a different chunk, which `processor` returns to the queue.
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
      // Pauses the worker after an error of Redis, as `restWhenRefused` does. The pause is made by `rest`, which also
      // pauses the worker after it has returned a chunk, so that both kinds of pause share one timer.
      if (faultOfReply(error.message) !== undefined) rest(refusedRestMs);
    });
    opened.on('failed', (job, error) => log.error({ err: error, job: job?.id, profile }, 'chunk failed'));
    opened.on('stalled', (id) => {
      log.warn({ job: id, profile }, 'returned a chunk of a crashed worker to the queue');
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
      // Lowers the concurrency to the number of chunks in process, but not below `usual`. Beyond `usual`, the worker
      // may take only a chunk that a search has found.
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
      // BullMQ applies a new concurrency only when a job ends or the worker is resumed. Therefore the worker is paused
      // and resumed here.
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
