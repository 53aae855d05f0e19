const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const HEALTHY_MS = 10_000;

/**
 * Creates a function that returns the delay in ms before a process is restarted. Its argument is the time in ms for
 * which the process ran. The delay begins at 100 ms and doubles each time, up to 5 s. After a run of at least 10 s, the
 * delay is 100 ms again.
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
