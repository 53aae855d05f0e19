/** The tasks that wait for an encoder. Tenants share the queue fairly. */
export interface TaskQueue<Task extends { tenant: string }> {
  readonly size: number;
  add(task: Task): void;
  /**
   * Returns the oldest task of each waiting tenant. The tenant with the fewest tasks in flight comes first. Among equal
   * tenants, the one whose last task was sent longest ago comes first.
   */
  candidates(): Task[];
  /** Removes a task. @returns true when it was waiting in this queue. */
  remove(task: Task): boolean;
  /** Removes the newest task of the tenant with the longest queue. */
  removeNewestOfLongest(): Task | undefined;
  /** Removes and returns all tasks, the oldest first. */
  removeAll(): Task[];
  /**
   * Changes the number of this tenant's tasks that encoders are processing: by 1 when a task was sent, by -1 when it
   * has ended.
   */
  hold(tenant: string, change: 1 | -1): void;
  /** Returns the number of this tenant's tasks that encoders are processing. */
  held(tenant: string): number;
  /** Returns true when the queue of this tenant, with one more task, would be at least as long as any other queue. */
  isLongest(tenant: string): boolean;
}

interface Share<Task> {
  waiting: Set<Task>;
  held: number;
  servedAt: number;
}

/**
 * Creates a queue. Its order is like that of `shared/fair-places.ts`, but that module cannot be used: the pool chooses
 * the encoder together with the task, because each encoder has separate limits for images and texts.
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
