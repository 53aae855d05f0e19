import type { Job } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { taskQueues } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { consumeFairly, handedBackMs } from './fair-jobs.ts';
import type { JobConsumer } from './job-consumer.ts';
import { quickRecovery } from './worker-options.ts';

/**
 * A task that a worker does for a batch by reference (a batch whose items are in an object of a bucket). `intake` reads
 * the object, and `files` writes the result files.
 */
export type Task = keyof typeof taskQueues;

const retained = {
  removeOnComplete: { count: 1000, age: 3600 },
  removeOnFail: { count: 1000, age: 24 * 3600 },
} as const;

/**
 * Options for the retries of a failed task. `intake` is retried after 2 s, 4 s … 512 s; if its input cannot be read for
 * a quarter of an hour, the batch fails. `files` is retried for about four and a half hours, because otherwise the
 * result files would be lost.
 */
export const taskJobOptions = {
  intake: { ...retained, attempts: 10, backoff: { type: 'exponential', delay: 2_000 } },
  files: { ...retained, attempts: 14, backoff: { type: 'exponential', delay: 2_000 } },
} as const satisfies Record<Task, object>;

/** One attempt at a task. */
export interface Attempt {
  /** True when this is the last attempt. */
  isLast: boolean;
  /** Aborts when the worker stops. The task then returns to the queue, and this attempt does not count. */
  signal: AbortSignal;
}

/**
 * Runs a task of a batch. Returns undefined when the task is done, or the time in ms after which the task must run
 * again. When it throws, the task is retried.
 */
export type TaskRun = (batchId: string, attempt: Attempt) => Promise<{ againInMs: number } | undefined>;

/**
 * The limits for the files that one worker reads or writes at the same time. Each file takes some tens of megabytes of
 * memory. Each tenant may always process one file, regardless of other tenants.
 */
const shares = { places: 2, guaranteed: 1, hardLimit: 8, waitingPerTenant: 2 } as const;

/**
 * Takes jobs for one kind of task, shared fairly between tenants. When a worker is killed, another worker restarts its
 * task within 20 s.
 */
export function consumeTasks(redis: Redis, task: Task, run: TaskRun, stopping: AbortSignal, log: Logger): JobConsumer {
  const runJob = async (job: Job) => {
    const isLast = job.attemptsMade + 1 >= taskJobOptions[task].attempts;
    return await run(String(job.data.batchId), { isLast, signal: stopping }).catch((error: unknown) => {
      if (!stopping.aborted) throw error;
      return { againInMs: handedBackMs };
    });
  };
  const { worker, close } = consumeFairly(redis, { queue: taskQueues[task], ...shares, ...quickRecovery }, runJob);
  worker.on('error', (error) => log.debug({ err: error, task }, 'connection error of the task queue'));
  worker.on('failed', (job, error) =>
    log.warn({ batchId: job?.data.batchId, tenant: job?.data.tenant, task, reason: error.message }, 'task failed'),
  );
  worker.on('stalled', (id) => log.warn({ batchId: id, task }, 'task of a dead worker returned to the queue'));
  return { close };
}
