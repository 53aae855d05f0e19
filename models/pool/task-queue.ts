/** Tasks that wait for an encoder. Tenants share the queue fairly. */
export interface TaskQueue<Task extends { tenant: string }> {
  readonly size: number;
  add(task: Task): void;
  /** Returns the oldest task of each waiting tenant: fewest tasks in flight first, then the least recently served. */
  candidates(): Task[];
  /** @returns true when the task was waiting in this queue. */
  remove(task: Task): boolean;
  removeNewestOfLongest(): Task | undefined;
  removeAll(): Task[];
  /** Counts a tenant's tasks in flight: 1 when one was sent, -1 when it has ended. */
  hold(tenant: string, change: 1 | -1): void;
  held(tenant: string): number;
  /** Returns true when, with one more task, no other tenant's queue would be longer. */
  isLongest(tenant: string): boolean;
}

interface Share<Task> {
  waiting: Set<Task>;
  held: number;
  servedAt: number;
}

/**
 * Creates a queue with an order like `shared/fair-places.ts`. The pool chooses task and encoder together, because each
 * encoder limits images and texts separately.
 */
export function createTaskQueue<Task extends { tenant: string }>(): TaskQueue<Task> {
  const shares = new Map<string, Share<Task>>();
  let size = 0;
  let served = 0;

  const shareOf = (tenant: string): Share<Task> => {
    let share = shares.get(tenant);
    if (share === undefined) {
      share = { waiting: new Set(), held: 0, servedAt: 0 };
      shares.set(tenant, share);
    }
    return share;
  };
  const forget = (tenant: string, share: Share<Task>) => {
    if (share.held === 0 && share.waiting.size === 0) shares.delete(tenant);
  };

  const queue: TaskQueue<Task> = {
    get size() {
      return size;
    },
    add(task) {
      shareOf(task.tenant).waiting.add(task);
      size++;
    },
    candidates() {
      const waiting = [...shares.values()].filter((share) => share.waiting.size > 0);
      if (waiting.length > 1) waiting.sort((a, b) => a.held - b.held || a.servedAt - b.servedAt);
      return waiting.flatMap((share) => {
        const [first] = share.waiting;
        return first === undefined ? [] : [first];
      });
    },
    remove(task) {
      const share = shares.get(task.tenant);
      if (share === undefined || !share.waiting.delete(task)) return false;
      size--;
      forget(task.tenant, share);
      return true;
    },
    removeNewestOfLongest() {
      let longest: Share<Task> | undefined;
      for (const share of shares.values()) {
        if (share.waiting.size > (longest?.waiting.size ?? 0)) longest = share;
      }
      const newest = longest && [...longest.waiting].at(-1);
      if (newest !== undefined) queue.remove(newest);
      return newest;
    },
    removeAll() {
      const tasks = [...shares.values()].flatMap(({ waiting }) => [...waiting]);
      for (const task of tasks) queue.remove(task);
      return tasks;
    },
    hold(tenant, change) {
      const share = shareOf(tenant);
      share.held += change;
      if (change === 1) share.servedAt = ++served;
      forget(tenant, share);
    },
    held: (tenant) => shares.get(tenant)?.held ?? 0,
    isLongest(tenant) {
      const own = shares.get(tenant)?.waiting.size ?? 0;
      return [...shares.values()].every(({ waiting }) => waiting.size <= own + 1);
    },
  };
  return queue;
}
