/** Speed of late and the time that is left. */
export interface Throughput {
  /** Items a second over the last ten; null before anything can be said. */
  perSecond: number | null;
  etaSeconds: number | null;
}

/** Speeds change with the images: what was long ago says little about what is to come. */
const windowMs = 10_000;

/**
 * Watches a count grow.
 * @returns takes the count, the total and the time in milliseconds.
 */
export function createThroughputMeter(): (done: number, total: number, at: number) => Throughput {
  let seen: { done: number; at: number }[] = [];
  return (done, total, at) => {
    seen.push({ done, at });
    // The last one from before the window is its beginning.
    const begin = seen.findLastIndex((entry) => entry.at <= at - windowMs);
    if (begin > 0) seen = seen.slice(begin);
    const [first] = seen;
    if (first === undefined || at === first.at || done === first.done) return { perSecond: null, etaSeconds: null };
    const perSecond = ((done - first.done) * 1000) / (at - first.at);
    return { perSecond, etaSeconds: Math.max(0, total - done) / perSecond };
  };
}
