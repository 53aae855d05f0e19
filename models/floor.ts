/** The time in ms after which waiting low-priority work goes first. */
const longestWaitMs = 1_000;

/** Guarantees batch work a minimum share. Without it, a steady stream of single requests would stop batches. */
export interface Floor {
  /**
   * @param since the arrival of the oldest waiting work, on the clock of `performance.now()`; undefined when no work
   * waits.
   */
  isDue(since: number | undefined): boolean;
  /** Records that low-priority work has had a turn. */
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
