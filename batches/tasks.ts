import { DelayedError, type Job, Worker } from 'bullmq';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import type { Consumer } from './consumers.ts';
import { taskQueues } from './keys.ts';
import { quickRecovery, workerOptions } from './worker-options.ts';

/** What workers do for a batch by reference as a whole: read its object, write the files of its results. */
export type Task = keyof typeof taskQueues;

const kept = { removeOnComplete: { count: 1000, age: 3600 }, removeOnFail: { count: 1000, age: 24 * 3600 } } as const;

/**
 * What fails in passing is tried again. An input that cannot be had for a quarter of an hour ends its batch: 2 s, 4 s ...
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

/** Long enough that another worker, or this one started anew, has it. */
const handedBackMs = 500;

/** Takes tasks of one kind, `concurrency` at a time. A killed worker's task is begun anew by another within 20 s. */
export function consumeTasks(
  redis: Redis,
  task: Task,
  concurrency: number,
  run: TaskRun,
  stopping: AbortSignal,
  log: Logger,
): Consumer {
  const worker = new Worker(
    taskQueues[task],
    async (job: Job, token) => {
      const isLast = job.attemptsMade + 1 >= taskJobOptions[task].attempts;
      const again = await run(String(job.data.batchId), { isLast, signal: stopping }).catch((error: unknown) => {
        if (!stopping.aborted) throw error;
        return { againInMs: handedBackMs };
      });
      if (again === undefined) return;
      await job.moveToDelayed(Date.now() + again.againInMs, token);
      throw new DelayedError();
    },
    {
      ...workerOptions(redis),
      ...quickRecovery,
      concurrency,
    },
  );
  worker.on('error', (error) => log.debug({ err: error, task }, 'task connection'));
  worker.on('failed', (job, error) =>
    log.warn({ batchId: job?.data.batchId, task, reason: error.message }, 'task failed'),
  );
  worker.on('stalled', (id) => log.warn({ batchId: id, task }, 'task of a dead worker taken back'));
  return { close: (force) => closeWorker(worker, force) };
}
