const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const HEALTHY_MS = 10_000;

/**
 * Returns a function that computes the delay in ms before a restart: 100 ms at first, then twice the previous delay, at
 * most 5 s. The delay is 100 ms again after a run of at least 10 s.
 * @returns a function of the length of the ended run in ms.
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
