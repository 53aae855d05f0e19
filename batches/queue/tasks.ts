import type { Job } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { taskQueues } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { consumeFairly, handedBackMs } from './fair-jobs.ts';
import type { JobConsumer } from './job-consumer.ts';
import { quickRecovery } from './worker-options.ts';

/** A task for a batch whose items are in a bucket. `intake` reads the items, and `files` writes the result files. */
export type Task = keyof typeof taskQueues;

const retained = {
  removeOnComplete: { count: 1000, age: 3600 },
  removeOnFail: { count: 1000, age: 24 * 3600 },
} as const;

/**
 * `intake` is retried after 2 s, 4 s … 512 s; after a quarter of an hour the batch fails. `files` is retried for four
 * and a half hours, because otherwise results would be lost.
 */
export const taskJobOptions = {
  intake: { ...retained, attempts: 10, backoff: { type: 'exponential', delay: 2_000 } },
  files: { ...retained, attempts: 14, backoff: { type: 'exponential', delay: 2_000 } },
} as const satisfies Record<Task, object>;

export interface Attempt {
  isLast: boolean;
  /** Aborts when the worker stops. The task returns to the queue, and the attempt does not count. */
  signal: AbortSignal;
}

/**
 * Runs a task. Returns undefined when it is done, or the ms after which it must run again. A task that throws is
 * retried.
 */
export type TaskRun = (batchId: string, attempt: Attempt) => Promise<{ againInMs: number } | undefined>;

/**
 * The limits of files that one worker reads or writes. Each takes some tens of megabytes. Each tenant may always
 * process one.
 */
const shares = { places: 2, guaranteed: 1, hardLimit: 8, waitingPerTenant: 2 } as const;

/** Takes jobs of one kind of task, shared fairly between tenants. The task of a killed worker restarts within 20 s. */
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
