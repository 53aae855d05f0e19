import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** The interval in ms between two attempts. By default it grows from 5 to 200. */
  everyMs?: number;
  /** The time limit in ms. A test's own limit must be longer, so that this function's error is shown. */
  withinMs?: number;
}

const firstPauseMs = 5;
const longestPauseMs = 200;

/**
 * Repeats `attempt` until it neither throws nor returns `false`. Returns its result.
 * @throws {unknown} after the time limit: the last error of `attempt`, or an error that shows its code.
 */
export async function until<Value>(
  attempt: () => Value | Promise<Value>,
  { everyMs, withinMs = 150_000 }: Patience = {},
): Promise<Exclude<Value, false>> {
  const deadline = performance.now() + withinMs;
  for (let pauseMs = everyMs ?? firstPauseMs; ; pauseMs = everyMs ?? Math.min(2 * pauseMs, longestPauseMs)) {
    let failure: unknown;
    try {
      const value = await attempt();
      if (value !== false) return value as Exclude<Value, false>;
      failure = new Error(`The condition was not met within ${withinMs / 1000} s: ${attempt}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) throw failure;
    await delay(pauseMs);
  }
}
