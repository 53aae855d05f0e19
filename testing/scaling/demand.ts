/** The values that Prometheus computes for a profile over the time window in {@link Horizon}. */
export interface Signals {
  /** Items posted per second. */
  postedPerSecond: number;
  /** Items without an outcome now (`vls_items_pending`). */
  pending: number;
  /** The growth of the number of pending items, in items per second. */
  growthPerSecond: number;
}

/** The time spans of the demand formula, in seconds. */
export interface Horizon {
  /** The time window in s over which arrivals and growth are measured. */
  windowSeconds: number;
  /** The time in s from ordering a worker until the worker takes its first chunk. */
  startUpSeconds: number;
  /**
   * The time in s within which waiting items should be evaluated. It is twice the start-up time of a worker: the
   * formula does not count workers that are still starting, and a shorter time would order them twice.
   */
  targetSeconds: number;
}

/**
 * The time spans by kind of worker. A worker on CPUs is ready in half a minute. A worker on a GPU may also have to wait
 * for a node.
 */
export const horizons = {
  cpu: { windowSeconds: 120, startUpSeconds: 30, targetSeconds: 60 },
  gpu: { windowSeconds: 300, startUpSeconds: 300, targetSeconds: 600 },
} as const satisfies Record<string, Horizon>;

/**
 * Returns the items per second that all workers together should process. It is the sum of two rates. The first is the
 * rate of arriving items. The second is the number of items that will be waiting when a worker ordered now takes its
 * first chunk, divided by `targetSeconds`.
 *
 * The second rate alone would not suffice: while the workers are fast enough, no items wait, so the autoscaler would
 * remove workers until items wait again.
 */
export function demand(
  { postedPerSecond, pending, growthPerSecond }: Signals,
  { startUpSeconds, targetSeconds }: Pick<Horizon, 'startUpSeconds' | 'targetSeconds'>,
): number {
  return postedPerSecond + Math.max(0, pending + startUpSeconds * growthPerSecond) / targetSeconds;
}

/**
 * Returns the formula of {@link demand} as the Prometheus query in the ScaledObject of a profile. All API processes
 * report the same values of pending items, because they read them from Redis. There is one series for each profile name
 * or model name with which batches of the queue were posted.
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
