import { DelayedError, type Job, Worker } from 'bullmq';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Redis } from '../../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import { restWhenRefused, workerOptions } from './worker-options.ts';

/** How the jobs of one queue share a worker. */
export interface FairJobsOptions {
  queue: string;
  /** Jobs that run at the same time; one tenant alone may take them all. */
  places: number;
  /** A tenant with fewer running jobs never waits for those of others. */
  guaranteed: number;
  /** Running jobs at most, guaranteed ones included. */
  hardLimit: number;
  /** Jobs of one tenant that wait in this process; further ones go back to the queue. */
  waitingPerTenant: number;
  /** BullMQ's options of the worker beyond those that all share. */
  lockDuration: number;
  stalledInterval?: number;
}

/** Runs a job, or says after how many milliseconds it is to be offered again, which is no attempt. */
export type RunJob = (job: Job) => Promise<{ againInMs: number } | undefined>;

/** A job that is handed back by a worker that stops: long enough that another worker, or this one started anew, has it. */
export const handedBackMs = 500;
/**
 * Jobs of one tenant that find no room to wait come back one after another, at 20 a second, so that a queue of thousands
 * costs Redis little; the longest pause in milliseconds.
 */
const returnEveryMs = 50;
const longestReturnMs = 60_000;

/**
 * A worker on a queue that all tenants share, with the places of each tenant apart: BullMQ serves a queue in order, so
 * 96 webhooks whose receivers hang delayed that of another tenant by 98 s.
 */
export function consumeFairly(redis: Redis, options: FairJobsOptions, run: RunJob): { worker: Worker; close: Close } {
  const { queue, places: count, guaranteed, hardLimit, waitingPerTenant, ...ofWorker } = options;
  const places = createFairPlaces({ places: count, guaranteed, hardLimit });
  /** When the next job of a tenant may come back, by `performance.now()`. */
  const returns = new Map<string, number>();

  function returnMs(tenant: string): number {
    const now = performance.now();
    for (const [other, at] of returns) if (at < now) returns.delete(other);
    const at = Math.min(now + longestReturnMs, Math.max(now, returns.get(tenant) ?? 0) + returnEveryMs);
    returns.set(tenant, at);
    return Math.ceil(at - now);
  }

  async function runInTurn(job: Job): Promise<{ againInMs: number } | undefined> {
    // Absent in jobs of older releases, which then share as one tenant.
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
    // All that may run, and as many that wait: of a tenant that fills the queue they go back, so others are reached.
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
