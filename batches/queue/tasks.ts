import type { Job } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { taskQueues } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { Consumer } from './consumers.ts';
import { consumeFairly, handedBackMs } from './fair-jobs.ts';
import { quickRecovery } from './worker-options.ts';

/** What workers do for a batch by reference as a whole: read its object, write the files of its results. */
export type Task = keyof typeof taskQueues;

const kept = { removeOnComplete: { count: 1000, age: 3600 }, removeOnFail: { count: 1000, age: 24 * 3600 } } as const;

/**
 * A transient failure is tried again. An input that cannot be had for a quarter of an hour ends its batch: 2 s, 4 s ...
 * 512 s. Results are worth more patience: about four hours and a half.
 */
export const taskJobOptions = {
  intake: { ...kept, attempts: 10, backoff: { type: 'exponential', delay: 2_000 } },
  files: { ...kept, attempts: 14, backoff: { type: 'exponential', delay: 2_000 } },
} as const satisfies Record<Task, object>;

/** One attempt at a task. */
export interface Attempt {
  /** What fails now is not tried again. */
  isLast: boolean;
  /** Aborted when the worker stops: the task then comes back, and this was no attempt. */
  signal: AbortSignal;
}

/** Does a task, or says after how many milliseconds it wants to be asked again. What it throws is tried again. */
export type TaskRun = (batchId: string, attempt: Attempt) => Promise<{ againInMs: number } | undefined>;

/**
 * Files that one worker reads or writes at a time, each with some tens of megabytes of memory. A tenant has a place
 * of its own, however long the files of others take.
 */
const shares = { places: 2, guaranteed: 1, hardLimit: 8, waitingPerTenant: 2 } as const;

/** Takes tasks of one kind, fairly between tenants. A killed worker's task is begun anew by another within 20 s. */
export function consumeTasks(redis: Redis, task: Task, run: TaskRun, stopping: AbortSignal, log: Logger): Consumer {
  const runJob = async (job: Job) => {
    const isLast = job.attemptsMade + 1 >= taskJobOptions[task].attempts;
    return await run(String(job.data.batchId), { isLast, signal: stopping }).catch((error: unknown) => {
      if (!stopping.aborted) throw error;
      return { againInMs: handedBackMs };
    });
  };
  const { worker, close } = consumeFairly(redis, { queue: taskQueues[task], ...shares, ...quickRecovery }, runJob);
  worker.on('error', (error) => log.debug({ err: error, task }, 'task connection'));
  worker.on('failed', (job, error) =>
    log.warn({ batchId: job?.data.batchId, tenant: job?.data.tenant, task, reason: error.message }, 'task failed'),
  );
  worker.on('stalled', (id) => log.warn({ batchId: id, task }, 'task of a dead worker taken back'));
  return { close };
}
