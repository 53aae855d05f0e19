/** The number of evaluated items at a time, by the clock of the service. */
export type Sample = readonly [atMs: number, done: number];

/** The maximum number of measurements: one for each pixel of a plot on a phone. */
const most = 480;
const closestMs = 250;

/**
 * Adds a measurement. It replaces the newest one if the two newest are less than `closestMs` apart. A full list drops
 * every second measurement.
 */
export function addSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const [last, before] = [samples.at(-1), samples.at(-2)];
  if (last !== undefined && (sample[0] <= last[0] || sample[1] < last[1])) {
    return sample[0] === last[0] && sample[1] > last[1] ? [...samples.slice(0, -1), sample] : [...samples];
  }
  const isClose = last !== undefined && before !== undefined && last[0] - before[0] < closestMs;
  const added = isClose ? [...samples.slice(0, -1), sample] : [...samples, sample];
  return added.length <= most ? added : added.filter((_, at) => at % 2 === 0 || at === added.length - 1);
}

/**
 * Returns the items per second up to each measurement, and the seconds since the first one. A long interval without
 * measurements, such as an outage, has one rate from its beginning to its end.
 */
export function ratesOf(samples: readonly Sample[]): { seconds: number[]; rates: number[] } {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return { seconds: [], rates: [] };
  // The time in ms over which each rate is computed. A shorter time would show only the bursts in which chunks finish.
  const windowMs = Math.max(1_500, (last[0] - first[0]) / 40);
  const longMs = Math.max(5_000, 3 * windowMs);
  const seconds: number[] = [];
  const rates: number[] = [];
  const add = (ms: number, rate: number) => {
    seconds.push((ms - first[0]) / 1000);
    rates.push(rate);
  };
  let from = 0;
  /** The measurement at the end of the last long interval. */
  let resumed: Sample | undefined;
  for (const [at, [ms, done]] of samples.entries()) {
    const before = samples[at - 1];
    if (before !== undefined && ms - before[0] > longMs) {
      const rate = ((done - before[1]) / (ms - before[0])) * 1000;
      // The plot needs increasing times.
      add(before[0] + 1, rate);
      add(ms, rate);
      from = at;
      resumed = samples[at];
      continue;
    }
    while (from + 1 < at && ms - (samples[from + 1]?.[0] ?? ms) >= windowMs) from++;
    const start = samples[from];
    if (start === undefined || ms <= start[0]) continue;
    if (start === resumed && ms - start[0] < windowMs) continue;
    add(ms, ((done - start[1]) / (ms - start[0])) * 1000);
  }
  return { seconds, rates };
}
