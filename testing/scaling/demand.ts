/** The values that Prometheus computes for a profile over the window of {@link Horizon}. */
export interface Signals {
  postedPerSecond: number;
  /** Items without an outcome now (`vls_items_pending`). */
  pending: number;
  /** The growth of `pending`, in items per second. */
  growthPerSecond: number;
}

/** The time spans of the demand formula, in seconds. */
export interface Horizon {
  /** The window over which arrivals and growth are measured. */
  windowSeconds: number;
  /** The time from ordering a worker until it takes its first chunk. */
  startUpSeconds: number;
  /**
   * The time within which waiting items should be evaluated: twice the start-up time. The formula does not count
   * starting workers, so a shorter time would order them twice.
   */
  targetSeconds: number;
}

/** A worker on CPUs is ready in half a minute. One on a GPU may also wait for a node. */
export const horizons = {
  cpu: { windowSeconds: 120, startUpSeconds: 30, targetSeconds: 60 },
  gpu: { windowSeconds: 300, startUpSeconds: 300, targetSeconds: 600 },
} as const satisfies Record<string, Horizon>;

/**
 * Returns the items per second that all workers should process: the arrival rate, plus the items waiting when a new
 * worker would start, divided by `targetSeconds`.
 * Without the arrival rate, workers that are fast enough would be removed until items wait again.
 */
export function demand(
  { postedPerSecond, pending, growthPerSecond }: Signals,
  { startUpSeconds, targetSeconds }: Pick<Horizon, 'startUpSeconds' | 'targetSeconds'>,
): number {
  return postedPerSecond + Math.max(0, pending + startUpSeconds * growthPerSecond) / targetSeconds;
}

/**
 * Returns {@link demand} as the Prometheus query in a profile's ScaledObject. All API processes report the same pending
 * items, one series for each profile or model name of posted batches.
 */
export function demandQuery(profile: string, { windowSeconds, startUpSeconds, targetSeconds }: Horizon): string {
  const of = `{queue="${profile}"}`;
  const window = `[${windowSeconds / 60}m]`;
  const posted = `sum(rate(vls_items_posted_total${of}${window}))`;
  const pending = `sum(max by (profile) (vls_items_pending${of}))`;
  const growth = `sum(max by (profile) (deriv(vls_items_pending${of}${window})))`;
  const waiting = `${pending} + ${startUpSeconds} * ${growth}`;
  return `${posted} + clamp_min(${waiting}, 0) / ${targetSeconds}`;
}
