/** The values that Prometheus computes for a profile, over the window of {@link Horizon}. */
export interface Signals {
  /** Items posted per second. */
  postedPerSecond: number;
  /** Items without an outcome now (`vls_items_pending`). */
  pending: number;
  /** Growth of pending items per second. */
  growthPerSecond: number;
}

/** Time spans of the demand formula, in seconds. */
export interface Horizon {
  /** Window for arrivals and growth. */
  windowSeconds: number;
  /** The time in s from ordering a worker until its first chunk. */
  startUpSeconds: number;
  /**
   * The time in s within which waiting items should be done. It is twice the start-up time, because the formula does
   * not count workers that are still starting and would otherwise order them twice.
   */
  targetSeconds: number;
}

/** A worker on CPUs is ready in half a minute. A worker on a GPU may also have to wait for a node. */
export const horizons = {
  cpu: { windowSeconds: 120, startUpSeconds: 30, targetSeconds: 60 },
  gpu: { windowSeconds: 300, startUpSeconds: 300, targetSeconds: 600 },
} as const satisfies Record<string, Horizon>;

/**
 * Returns the items per second that all workers together should process. It is the rate of arriving items, plus the
 * number of items that will be waiting when a worker ordered now takes its first chunk, divided by `targetSeconds`.
 *
 * The backlog alone would not suffice: while the workers keep up, it is empty, so the autoscaler would remove workers
 * until a backlog forms.
 */
export function demand(
  { postedPerSecond, pending, growthPerSecond }: Signals,
  { startUpSeconds, targetSeconds }: Pick<Horizon, 'startUpSeconds' | 'targetSeconds'>,
): number {
  return postedPerSecond + Math.max(0, pending + startUpSeconds * growthPerSecond) / targetSeconds;
}

/**
 * Returns the formula of {@link demand} as the Prometheus query of a profile's ScaledObject. Each API process reads
 * the same values from Redis, and reports one series for each profile or model name that batches of the queue were
 * posted with.
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
