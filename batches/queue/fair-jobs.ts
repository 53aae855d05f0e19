import { DelayedError, type Job, Worker } from 'bullmq';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Redis } from '../../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import { restWhenRefused, workerOptions } from './worker-options.ts';

/** The shares of tenants in one worker of a queue. */
export interface FairJobsOptions {
  queue: string;
  /** Jobs that run at the same time; a single tenant may use all of them. */
  places: number;
  /** A tenant with fewer running jobs never waits for those of others. */
  guaranteed: number;
  /** Largest number of running jobs, with guaranteed ones. */
  hardLimit: number;
  /** Jobs of one tenant that wait in this process. Further ones return to the queue. */
  waitingPerTenant: number;
  /** BullMQ's options of this worker, in milliseconds. */
  lockDuration: number;
  stalledInterval?: number;
}

/** Runs a job, or returns the time after which it is offered again, in milliseconds. That does not count as an attempt. */
export type RunJob = (job: Job) => Promise<{ againInMs: number } | undefined>;

/** Delay before a job that a stopping worker handed back is offered again, in milliseconds. */
export const handedBackMs = 500;
/**
 * Jobs of a tenant that exceed its waiting jobs here are offered again one after another, 20 a second, so that a queue
 * of thousands costs Redis little.
 */
const returnEveryMs = 50;
/** Maximum delay of such a job, in milliseconds. */
const longestReturnMs = 60_000;

/**
 * Takes jobs of a queue shared by all tenants, with places for each tenant. BullMQ alone serves a queue in order: 96
 * webhooks to hanging receivers delayed the webhook of another tenant by 98 s.
 */
export function consumeFairly(redis: Redis, options: FairJobsOptions, run: RunJob): { worker: Worker; close: Close } {
  const { queue, places: count, guaranteed, hardLimit, waitingPerTenant, ...ofWorker } = options;
  const places = createFairPlaces({ places: count, guaranteed, hardLimit });
  /** The time at which the next job of a tenant is offered again, by `performance.now()`. */
  const returns = new Map<string, number>();

  function returnMs(tenant: string): number {
    const now = performance.now();
    for (const [other, at] of returns) if (at < now) returns.delete(other);
    const at = Math.min(now + longestReturnMs, Math.max(now, returns.get(tenant) ?? 0) + returnEveryMs);
    returns.set(tenant, at);
    return Math.ceil(at - now);
  }

  async function runInTurn(job: Job): Promise<{ againInMs: number } | undefined> {
    // Jobs of older releases have no tenant and share as one.
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
    // Running and waiting jobs. Jobs of a tenant that fills the queue return to it, so that jobs of others are reached.
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
