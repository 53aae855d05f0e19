/** Work that others go before has a turn at least this often, in milliseconds. */
const longestWaitMs = 1_000;

/** What batch work gets however much interactive work there is: else a steady stream of single requests stops it for ever. */
export interface Floor {
  /** @param since when the first of what waits came, by `performance.now()`; nothing when nothing waits. */
  isDue(since: number | undefined): boolean;
  /** Told at the end of a turn. */
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
