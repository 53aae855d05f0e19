export interface Throughput {
  /** Items per second over the last 10 s; null until the number of items first changes. */
  perSecond: number | null;
  etaSeconds: number | null;
}

/** The time in ms over which the speed is measured. Speed depends on the images, so older values predict badly. */
const windowMs = 10_000;

/**
 * Creates a meter of the speed at which a count grows.
 * @returns a function of the count, the total and the current time in ms.
 */
export function createThroughputMeter(): (done: number, total: number, at: number) => Throughput {
  let seen: { done: number; at: number }[] = [];
  return (done, total, at) => {
    seen.push({ done, at });
    // Keeps the last entry before the period, from which the speed is computed.
    const begin = seen.findLastIndex((entry) => entry.at <= at - windowMs);
    if (begin > 0) seen = seen.slice(begin);
    const [first] = seen;
    if (first === undefined || at === first.at || done === first.done) return { perSecond: null, etaSeconds: null };
    const perSecond = ((done - first.done) * 1000) / (at - first.at);
    return { perSecond, etaSeconds: Math.max(0, total - done) / perSecond };
  };
}
