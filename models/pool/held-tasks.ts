import { type InputKind, kindOf, type Task } from './task.ts';

/** The tasks that one encoder holds, by the id under which they were sent. */
export interface HeldTasks {
  readonly size: number;
  readonly held: Record<InputKind, number>;
  readonly heldOfBatches: Record<InputKind, number>;
  add(id: number, task: Task): void;
  take(id: number): Task | undefined;
  takeAll(): Task[];
  idOf(task: Task): number | undefined;
  /**
   * Counts that `task` was answered before older tasks of its kind and urgency.
   * @returns true when one of them hangs: more than `many` later ones were answered, and it is older than `ms`.
   */
  isOvertaken(id: number, task: Task, many: number, ms: number): boolean;
}

interface HeldTask {
  task: Task;
  sentAt: number;
  /** Tasks of its kind and urgency that came later and were answered earlier. */
  overtaken: number;
}

export function createHeldTasks(): HeldTasks {
  const entries = new Map<number, HeldTask>();
  const held = { image: 0, text: 0 };
  const heldOfBatches = { image: 0, text: 0 };

  function count({ input, interactive, tenant, queue }: Task, change: 1 | -1): void {
    queue.hold(tenant, change);
    held[kindOf(input)] += change;
    if (!interactive) heldOfBatches[kindOf(input)] += change;
  }

  function take(id: number): Task | undefined {
    const entry = entries.get(id);
    if (entry === undefined) return undefined;
    entries.delete(id);
    count(entry.task, -1);
    return entry.task;
  }

  return {
    get size() {
      return entries.size;
    },
    held,
    heldOfBatches,
    add(id, task) {
      entries.set(id, { task, sentAt: performance.now(), overtaken: 0 });
      count(task, 1);
    },
    take,
    takeAll: () => [...entries.keys()].flatMap((id) => take(id) ?? []),
    idOf: (task) => [...entries].find(([, entry]) => entry.task === task)?.[0],
    isOvertaken(id, { input, interactive }, many, ms) {
      const kind = kindOf(input);
      for (const [other, entry] of entries) {
        if (other > id) break;
        if (kindOf(entry.task.input) !== kind || entry.task.interactive !== interactive) continue;
        entry.overtaken++;
        if (entry.overtaken > many && performance.now() - entry.sentAt >= ms) return true;
      }
      return false;
    },
  };
}
