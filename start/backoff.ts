const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const HEALTHY_MS = 10_000;

/**
 * Creates a function that returns the delay in ms before a restart, from the ms for which the process ran. The delay
 * doubles from 100 ms to 5 s; a run of 10 s resets it.
 */
export function createBackoff(): (aliveMs: number) => number {
  let next = FIRST_MS;
  return (aliveMs) => {
    if (aliveMs >= HEALTHY_MS) next = FIRST_MS;
    const wait = next;
    next = Math.min(next * 2, LONGEST_MS);
    return wait;
  };
}
