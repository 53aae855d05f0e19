/** The recent throughput and the time remaining. */
export interface Throughput {
  /** Items per second over the last 10 s; null until the number of items changes for the first time. */
  perSecond: number | null;
  etaSeconds: number | null;
}

/**
 * The length in ms of the period over which the speed is measured. An older speed would not predict the remaining time,
 * because the speed depends on the images.
 */
const windowMs = 10_000;

/**
 * Creates a meter of the speed at which a count grows.
 * @returns a function of the count, the total and the current time in ms, which returns the throughput.
 */
export function createThroughputMeter(): (done: number, total: number, at: number) => Throughput {
  let seen: { done: number; at: number }[] = [];
  return (done, total, at) => {
    seen.push({ done, at });
    // The last entry before the period of measurement is kept, because the speed is computed from that entry.
    const begin = seen.findLastIndex((entry) => entry.at <= at - windowMs);
    if (begin > 0) seen = seen.slice(begin);
    const [first] = seen;
    if (first === undefined || at === first.at || done === first.done) return { perSecond: null, etaSeconds: null };
    const perSecond = ((done - first.done) * 1000) / (at - first.at);
    return { perSecond, etaSeconds: Math.max(0, total - done) / perSecond };
  };
}
