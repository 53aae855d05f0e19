/** The recent throughput and the time remaining. */
export interface Throughput {
  /** Items per second over the last 10 s; null before the first change. */
  perSecond: number | null;
  etaSeconds: number | null;
}

/** The time in ms that counts as recent. The speed depends on the images, so older speeds do not predict the rest. */
const windowMs = 10_000;

/**
 * Measures how fast a count grows.
 * @returns a function of the count, the total and the time in ms.
 */
export function createThroughputMeter(): (done: number, total: number, at: number) => Throughput {
  let seen: { done: number; at: number }[] = [];
  return (done, total, at) => {
    seen.push({ done, at });
    // Keeps the last entry before the recent time, as its start.
    const begin = seen.findLastIndex((entry) => entry.at <= at - windowMs);
    if (begin > 0) seen = seen.slice(begin);
    const [first] = seen;
    if (first === undefined || at === first.at || done === first.done) return { perSecond: null, etaSeconds: null };
    const perSecond = ((done - first.done) * 1000) / (at - first.at);
    return { perSecond, etaSeconds: Math.max(0, total - done) / perSecond };
  };
}
