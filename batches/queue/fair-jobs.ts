import { DelayedError, type Job, Worker } from 'bullmq';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Redis } from '../../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import { restWhenRefused, workerOptions } from './worker-options.ts';

export interface FairJobsOptions {
  queue: string;
  /** The maximum number of simultaneous jobs, all available to a tenant without competition. */
  places: number;
  /** A tenant with fewer running jobs never waits for other tenants. */
  guaranteed: number;
  /** The absolute maximum of simultaneous jobs, when guaranteed jobs exceed `places`. */
  hardLimit: number;
  /** The maximum number of jobs of a tenant that wait in this process. Others return to the queue. */
  waitingPerTenant: number;
  /** In ms. */
  lockDuration: number;
  stalledInterval?: number;
}

/**
 * Runs a job. Returns undefined when it is done, or the ms after which it must run again. Such a run is not a failed
 * attempt.
 */
export type RunJob = (job: Job) => Promise<{ againInMs: number } | undefined>;

/** Milliseconds until other workers can take the jobs of a stopping worker. */
export const handedBackMs = 500;
/**
 * Returned jobs of a tenant become available at this interval in ms (20 per second), so thousands cost Redis little.
 */
const returnEveryMs = 50;
/** The maximum delay in ms of a returned job. */
const longestReturnMs = 60_000;

/**
 * Takes jobs from a queue that tenants share, and divides the running jobs fairly. BullMQ alone runs them in order: in
 * a test, 96 webhooks to silent receivers delayed another tenant by 98 s.
 */
export function consumeFairly(redis: Redis, options: FairJobsOptions, run: RunJob): { worker: Worker; close: Close } {
  const { queue, places: count, guaranteed, hardLimit, waitingPerTenant, ...ofWorker } = options;
  const places = createFairPlaces({ places: count, guaranteed, hardLimit });
  /** The time, as of `performance.now()`, at which the last returned job of each tenant becomes available. */
  const returns = new Map<string, number>();

  function returnMs(tenant: string): number {
    const now = performance.now();
    for (const [other, at] of returns) if (at < now) returns.delete(other);
    const at = Math.min(now + longestReturnMs, Math.max(now, returns.get(tenant) ?? 0) + returnEveryMs);
    returns.set(tenant, at);
    return Math.ceil(at - now);
  }

  async function runInTurn(job: Job): Promise<{ againInMs: number } | undefined> {
    // Jobs of older releases contain no tenant, and share an empty name.
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
    // The concurrency includes jobs that wait in `runInTurn`. Those above `waitingPerTenant` return, so BullMQ reaches
    // other tenants.
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
