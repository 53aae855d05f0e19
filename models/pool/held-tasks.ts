import { type InputKind, kindOf, type Task } from './task.ts';

/** The tasks that one encoder is processing, by message id. */
export interface HeldTasks {
  readonly size: number;
  readonly held: Record<InputKind, number>;
  readonly heldOfBatches: Record<InputKind, number>;
  add(id: number, task: Task): void;
  take(id: number): Task | undefined;
  takeAll(): Task[];
  idOf(task: Task): number | undefined;
  /** Marks a task whose image takes unusually long to decode, perhaps without end. */
  markSlow(id: number): void;
  /**
   * Counts a reply for each slow task.
   * @returns true when a decoding hangs: it was marked as slow at least `ms` ago, and more than `many` replies have
   * arrived since.
   */
  countAnswer(many: number, ms: number): boolean;
}

/** `answers` counts replies to other tasks since the task was marked as slow. */
interface SlowDecode {
  since: number;
  answers: number;
}

export function createHeldTasks(): HeldTasks {
  const entries = new Map<number, Task>();
  const slow = new Map<number, SlowDecode>();
  const held = { image: 0, text: 0 };
  const heldOfBatches = { image: 0, text: 0 };

  function count({ input, interactive, tenant, queue }: Task, change: 1 | -1): void {
    queue.hold(tenant, change);
    held[kindOf(input)] += change;
    if (!interactive) heldOfBatches[kindOf(input)] += change;
  }

  function take(id: number): Task | undefined {
    const task = entries.get(id);
    if (task === undefined) return undefined;
    entries.delete(id);
    slow.delete(id);
    count(task, -1);
    return task;
  }

  return {
    get size() {
      return entries.size;
    },
    held,
    heldOfBatches,
    add(id, task) {
      entries.set(id, task);
      count(task, 1);
    },
    take,
    takeAll: () => [...entries.keys()].flatMap((id) => take(id) ?? []),
    idOf: (task) => [...entries].find(([, held]) => held === task)?.[0],
    markSlow(id) {
      if (entries.has(id)) slow.set(id, { since: performance.now(), answers: 0 });
    },
    countAnswer(many, ms) {
      for (const decode of slow.values()) {
        decode.answers++;
        if (decode.answers > many && performance.now() - decode.since >= ms) return true;
      }
      return false;
    },
  };
}
