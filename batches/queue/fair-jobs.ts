import { DelayedError, type Job, Worker } from 'bullmq';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Redis } from '../../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import { restWhenRefused, workerOptions } from './worker-options.ts';

/** Options for sharing the jobs of one worker fairly between tenants. */
export interface FairJobsOptions {
  queue: string;
  /** The maximum number of jobs that run at the same time. A tenant without competition may use all of them. */
  places: number;
  /** A tenant with fewer running jobs than this never waits for jobs of other tenants. */
  guaranteed: number;
  /**
   * The absolute maximum number of jobs that run at the same time. It applies when tenants use their guaranteed jobs
   * beyond `places`.
   */
  hardLimit: number;
  /**
   * The maximum number of jobs of a tenant that wait in this process until they may run. Further jobs of the tenant
   * return to the queue.
   */
  waitingPerTenant: number;
  /** The lock times of the BullMQ worker, in ms. */
  lockDuration: number;
  stalledInterval?: number;
}

/**
 * Runs a job. Returns undefined when the job is done. Otherwise returns the time in ms after which the job must run
 * again; such a run does not count as a failed attempt.
 */
export type RunJob = (job: Job) => Promise<{ againInMs: number } | undefined>;

/** When a worker stops, it returns its jobs to the queue. Other workers can take them after this time in ms. */
export const handedBackMs = 500;
/**
 * Jobs that a worker has returned to the queue become available again one after another, at this interval in ms for
 * each tenant (20 jobs per second). Thousands of returned jobs then cost Redis little.
 */
const returnEveryMs = 50;
/** The maximum time in ms until a job that a worker has returned to the queue is available again. */
const longestReturnMs = 60_000;

/**
 * Takes jobs from a queue that all tenants share, and divides the running jobs fairly between tenants. BullMQ itself
 * runs the jobs of a queue in order: in a test, 96 webhooks to receivers that did not respond delayed the webhook of
 * another tenant by 98 s.
 */
export function consumeFairly(redis: Redis, options: FairJobsOptions, run: RunJob): { worker: Worker; close: Close } {
  const { queue, places: count, guaranteed, hardLimit, waitingPerTenant, ...ofWorker } = options;
  const places = createFairPlaces({ places: count, guaranteed, hardLimit });
  /**
   * Maps each tenant to the time at which the last job that this worker has returned for it becomes available again.
   * Times are those of `performance.now()`.
   */
  const returns = new Map<string, number>();

  function returnMs(tenant: string): number {
    const now = performance.now();
    for (const [other, at] of returns) if (at < now) returns.delete(other);
    const at = Math.min(now + longestReturnMs, Math.max(now, returns.get(tenant) ?? 0) + returnEveryMs);
    returns.set(tenant, at);
    return Math.ceil(at - now);
  }

  async function runInTurn(job: Job): Promise<{ againInMs: number } | undefined> {
    // Jobs of older releases contain no tenant. All of them count as jobs of one tenant with an empty name.
    const tenant = String(job.data.tenant ?? '');
    if (places.waiting(tenant) >= waitingPerTenant) return { againInMs: returnMs(tenant) };
    let release: () => void;
    try {
      release = await places.take(tenant);
    } catch {
      return { againInMs: handedBackMs };
    }
    try {
      return await run(job);
    } finally {
      release();
    }
  }

  const worker = new Worker(
    queue,
    async (job: Job, token) => {
      const again = await runInTurn(job);
      if (again === undefined) return;
      await job.moveToDelayed(Date.now() + again.againInMs, token);
      throw new DelayedError();
    },
    // The concurrency of BullMQ must include the jobs that wait in `runInTurn`. When the queue is full of jobs of one
    // tenant, those above `waitingPerTenant` return to the queue. BullMQ thus reaches the jobs of other tenants.
    { ...workerOptions(redis), ...ofWorker, concurrency: 4 * hardLimit },
  );
  restWhenRefused(worker);
  return {
    worker,
    async close(force) {
      places.close(new Error('The worker is stopping'));
      await closeWorker(worker, force);
    },
  };
}

type Close = (force?: boolean) => Promise<void>;
