import { ServiceError } from '../../shared/errors.ts';
import type { Slot } from './slot.ts';
import type { InputKind, Task } from './task.ts';
import { createTaskQueue, type TaskQueue } from './task-queue.ts';

/** Waiting tasks of a pool, in three queues: interactive tasks, batch images and batch texts. */
export interface WaitingTasks {
  readonly size: number;
  /**
   * Makes room for an interactive task. A full queue rejects the newest task of the tenant with the most waiting tasks.
   * @throws {ServiceError} `overloaded` when that tenant is `tenant` itself.
   */
  admit(tenant: string): void;
  queueFor(interactive: boolean, kind: InputKind): TaskQueue<Task>;
  removeAll(): Task[];
  /**
   * Sends waiting tasks, interactive ones first, until no encoder accepts another.
   * @param choose undefined when no encoder accepts the task.
   */
  deal(choose: (task: Task) => Pick<Slot, 'send'> | undefined): void;
}

export function createWaitingTasks(model: string, maxInteractive: number): WaitingTasks {
  const interactive = createTaskQueue<Task>();
  const batch: Record<InputKind, TaskQueue<Task>> = { image: createTaskQueue(), text: createTaskQueue() };
  const queues = [interactive, batch.image, batch.text];

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
      const full = new ServiceError(
        'overloaded',
        `${interactive.size} requests are already waiting for ${model}; retry shortly`,
        {
          retryAfter: 1,
        },
      );
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
