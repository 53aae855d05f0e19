/** The time in ms after which waiting batch work runs before interactive work, if no batch work has run meanwhile. */
const longestWaitMs = 1_000;

/**
 * Guarantees a minimum share of processing to batch work. Batch work otherwise runs only after interactive work, so a
 * steady stream of interactive requests would stop all batches.
 */
export interface Floor {
  /**
   * Returns true when batch work must run before interactive work.
   * @param since the arrival of the oldest waiting batch work, on the clock `now`; undefined when none waits.
   */
  isDue(since: number | undefined): boolean;
  /** Records that batch work has just run. */
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
