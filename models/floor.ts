/** Batch work that has waited this many ms runs first, if no batch work has run meanwhile. */
const longestWaitMs = 1_000;

/**
 * Guarantees a minimum share to batch work. Otherwise a steady stream of interactive requests could stop all batches.
 */
export interface Floor {
  /**
   * Returns true when batch work must run before interactive work.
   * @param since the arrival of the oldest waiting batch work, on the clock `now`; undefined when none waits.
   */
  isDue(since: number | undefined): boolean;
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
