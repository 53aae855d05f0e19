import { ServiceError } from '../../shared/errors.ts';
import type { Slot } from './slot.ts';
import type { InputKind, Task } from './task.ts';
import { createTaskQueue, type TaskQueue } from './task-queue.ts';

/** The tasks of a pool that wait for an encoder: those of requests, and images and texts of batches. */
export interface WaitingTasks {
  readonly size: number;
  /**
   * Makes room for one more task of a request. When too many wait, the tenant with the longest queue loses its newest.
   * @throws {ServiceError} `overloaded` when that tenant is this one.
   */
  admit(tenant: string): void;
  queueFor(interactive: boolean, kind: InputKind): TaskQueue<Task>;
  /** Removes all, those of requests first. */
  removeAll(): Task[];
  /**
   * Sends tasks in their order, those of requests first, until no encoder has room for another.
   * @param choose the encoder for a task; undefined when none has room for it.
   */
  deal(choose: (task: Task) => Pick<Slot, 'send'> | undefined): void;
}

/** @param maxInteractive tasks of requests above which more are refused. */
export function createWaitingTasks(model: string, maxInteractive: number): WaitingTasks {
  const interactive = createTaskQueue<Task>();
  const batch: Record<InputKind, TaskQueue<Task>> = { image: createTaskQueue(), text: createTaskQueue() };
  const queues = [interactive, batch.image, batch.text];

  /** Sends the next task that an encoder has room for. @returns false when there was none. */
  function dealOne(queue: TaskQueue<Task>, choose: (task: Task) => Pick<Slot, 'send'> | undefined): boolean {
    if (queue.size === 0) return false;
    for (const task of queue.candidates()) {
      const slot = choose(task);
      if (slot === undefined) continue;
      queue.remove(task);
      slot.send(task);
      return true;
    }
    return false;
  }

  return {
    get size() {
      return queues.reduce((sum, { size }) => sum + size, 0);
    },
    admit(tenant) {
      if (interactive.size < maxInteractive) return;
      const full = new ServiceError('overloaded', `${interactive.size} requests already wait for ${model}`, {
        retryAfter: 1,
      });
      if (interactive.isLongest(tenant)) throw full;
      interactive.removeNewestOfLongest()?.reject(full);
    },
    queueFor: (isInteractive, kind) => (isInteractive ? interactive : batch[kind]),
    removeAll: () => queues.flatMap((queue) => queue.removeAll()),
    deal(choose) {
      for (const queue of queues) while (dealOne(queue, choose));
    },
  };
}
