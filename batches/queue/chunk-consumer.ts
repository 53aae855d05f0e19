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

/** The result of processing a chunk. Bull Board shows the lines of `log`. */
export type Verdict = { done: object; log?: string[] } | HandBack | PutBack;

/**
 * The verdict that returns a chunk unread, because this worker accepts no more of its tenant now. It is not a start.
 */
export interface PutBack {
  putBack: string;
  /** Milliseconds until workers can take the job again. */
  delayMs: number;
}

/** The verdict that returns a chunk that this worker has started but cannot evaluate now. */
export interface HandBack {
  handBack: string;
  /** Milliseconds until workers can take the job again. */
  delayMs: number;
  /**
   * Milliseconds for which this worker then takes no jobs. Otherwise a faulty worker would take and return every job.
   */
  pauseMs: number;
}

/** A job that evaluates a chunk. `starts` counts earlier starts. `waitedMs` is its time in the queue. */
export interface Delivery {
  data: JobData;
  starts: number;
  waitedMs: number;
}

export interface ChunkConsumer extends JobConsumer {
  /** Returns the ms for which this consumer was idle without a chunk although chunks were waiting. */
  silentMs(): number;
}

export interface ChunkConcurrency {
  usual: number;
  /** The maximum. A chunk beyond `usual` also needs `hasPlace` of its tenant. Default: `usual`. */
  most?: number;
  /** Returns true when the worker may process a chunk of this tenant in addition to `usual` chunks. */
  hasPlace?: (tenant: string) => boolean;
}

/** Interval in ms of searches for a chunk of another tenant, while `usual` chunks are in process. */
const searchEveryMs = 500;
/** Milliseconds until the next search after a chunk has ended, or one beyond `usual` has started. */
const soonMs = 20;
/**
 * The number of waiting jobs that a search reads. Jobs of all tenants alternate, so a new tenant is among the first.
 */
const jobsRead = 100;

/**
 * Takes chunks of one profile, at most `usual` at a time. When that many are in progress, it looks for a tenant that is
 * allowed an additional chunk, moves one of its chunks to the front of the queue, and takes it. One tenant's slow image
 * hosts then do not block others. If another worker takes the moved chunk first, this worker gets the next chunk of the
 * queue. `processor` puts it back if its tenant is not allowed an additional chunk.
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
      // BullMQ then counts finished jobs without a history.
      metrics: { maxDataPoints: 1 },
    });
    opened.on('error', (error) => {
      log.debug({ err: error, profile }, 'connection error of a consumer of chunks');
      // Like `restWhenRefused`, but with the timer that also serves returned chunks.
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
      // Beyond `usual`, the worker may take only a chunk that a search has found.
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
      // BullMQ applies a new concurrency only when a job ends or the worker is resumed.
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
