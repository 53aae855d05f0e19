/**
 * Batch work goes before interactive work when it has waited for this time in ms and no batch work has run during this
 * time.
 */
const longestWaitMs = 1_000;

/**
 * Guarantees a minimum share to batch work, which otherwise runs after interactive work. Without this guarantee, a
 * steady stream of interactive requests would stop all batches.
 */
export interface Floor {
  /**
   * Returns true when batch work must go before interactive work.
   * @param since the time at which the oldest waiting batch work arrived, on the clock `now`; undefined when no batch
   * work waits.
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
