const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const HEALTHY_MS = 10_000;

/**
 * How long to wait before the next start of a process that ended: 100 ms, doubling to 5 s, from 100 ms again once a run
 * has lasted 10 s.
 * @returns a function from the ended run's length to the wait, both in milliseconds.
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
