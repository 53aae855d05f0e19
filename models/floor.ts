/** Low-priority work gets a turn at least this often (ms). */
const longestWaitMs = 1_000;

/** The minimum share of batch work. Without it, a steady stream of single requests would stop batches. */
export interface Floor {
  /** @param since arrival of the oldest waiting work, by `performance.now()`; undefined when none waits. */
  isDue(since: number | undefined): boolean;
  /** Called at the end of a turn. */
  hadTurn(): void;
}

export function createFloor(now: () => number): Floor {
  let lastTurn = Number.NEGATIVE_INFINITY;
  return {
    isDue: (since) => since !== undefined && now() - Math.max(lastTurn, since) >= longestWaitMs,
    hadTurn() {
      lastTurn = now();
    },
  };
}
