/** What Prometheus knows of a profile, over the window of `Horizon`. */
export interface Signals {
  /** Items posted a second. */
  postedPerSecond: number;
  /** Items without an outcome (`vls_items_pending`), at last. */
  pending: number;
  /** By how many they grow a second. */
  growthPerSecond: number;
}

/** How far the demand looks back and ahead, in seconds. */
export interface Horizon {
  /** Over which arrivals and growth are taken. */
  windowSeconds: number;
  /** From the order of a worker to its first chunk. */
  startUpSeconds: number;
  /**
   * How long what waits may need. Twice the start-up: what grows while ordered workers start is seen as if nobody were
   * on the way, and would otherwise be ordered twice.
   */
  targetSeconds: number;
}

/** A worker on CPUs is ready in half a minute; one on a GPU may have to wait for its node. */
export const horizons = {
  cpu: { windowSeconds: 120, startUpSeconds: 30, targetSeconds: 60 },
  gpu: { windowSeconds: 300, startUpSeconds: 300, targetSeconds: 600 },
} as const satisfies Record<string, Horizon>;

/**
 * Items a second that all workers together should do: as many as arrive, and within `targetSeconds` whatever will be
 * waiting when a worker that is ordered now takes its first chunk.
 *
 * The backlog alone would not do. While the workers keep up there is none, so it asks for fewer until they do not.
 */
export function demand(
  { postedPerSecond, pending, growthPerSecond }: Signals,
  { startUpSeconds, targetSeconds }: Pick<Horizon, 'startUpSeconds' | 'targetSeconds'>,
): number {
  return postedPerSecond + Math.max(0, pending + startUpSeconds * growthPerSecond) / targetSeconds;
}

/**
 * Returns `demand` as the query of the ScaledObject for the workers of a profile. Every API reports the same values of
 * Redis, one series for each name that batches of the queue were posted with.
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
