import { setTimeout as delay } from 'node:timers/promises';

export interface Pace {
  atOnce: number;
  /**
   * The number of calls to start per second, less those skipped because `atOnce` are in flight. If undefined, a call
   * starts whenever one ends.
   */
  perSecond?: number | undefined;
  most?: number | undefined;
  /** Aborts to prevent further calls. */
  signal: AbortSignal;
}

/** The durations in ms of all calls, by outcome. */
export type Durations = Map<string | number, number[]>;

/** The outcome of a call that throws an error. */
export const noAnswer = 'no answer';

/**
 * Repeats `act` until the signal aborts or `most` calls have begun, then waits for the calls in flight.
 * @param act does one unit of work and returns its outcome, such as an HTTP status.
 */
export async function generateLoad(
  act: () => Promise<string | number>,
  { atOnce, perSecond, most = Number.POSITIVE_INFINITY, signal }: Pace,
): Promise<Durations> {
  const durations: Durations = new Map();
  let begun = 0;
  const once = async () => {
    const start = performance.now();
    const outcome = await act().catch(() => noAnswer);
    addDuration(durations, outcome, performance.now() - start);
  };
  const mayBegin = () => !signal.aborted && begun < most;

  if (perSecond === undefined) {
    const lane = async () => {
      while (mayBegin()) {
        begun++;
        await once();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    return durations;
  }
  const flying = new Set<Promise<void>>();
  const start = performance.now();
  for (let tick = 1; mayBegin(); tick++) {
    if (flying.size < atOnce) {
      begun++;
      const one: Promise<void> = once().finally(() => flying.delete(one));
      flying.add(one);
    }
    // Counted from the start of the load, so that late timers do not lower the rate.
    const pauseMs = Math.max(0, start + (1000 * tick) / perSecond - performance.now());
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }
  await Promise.all(flying);
  return durations;
}

export function addDuration(durations: Durations, outcome: string | number, ms: number): void {
  const known = durations.get(outcome);
  if (known === undefined) durations.set(outcome, [ms]);
  else known.push(ms);
}

/** Returns the durations in ms of all calls, or of those with one outcome. */
export const durationsOf = (durations: Durations, outcome?: string | number): number[] =>
  outcome === undefined ? [...durations.values()].flat() : (durations.get(outcome) ?? []);
