const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const HEALTHY_MS = 10_000;

/**
 * Creates the delays between restarts of a process: 100 ms, doubling up to 5 s, and 100 ms again after a run of at least
 * 10 s.
 * @returns a function from the length of the ended run to the delay, both in ms.
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
