/** What Prometheus knows of a profile. */
export interface Signals {
  /** Items posted a second, on average over the window of `Horizon`. */
  postedPerSecond: number;
  /** Items without an outcome (`vls_items_pending`). */
  pending: number;
  /** Items that all workers commit a second (`vls_items_per_second`). */
  itemsPerSecond: number;
}

/** How far the demand looks back and ahead, in seconds. */
export interface Horizon {
  /** Over which arrivals are averaged. */
  windowSeconds: number;
  /** From the order of a worker to its first chunk. */
  startUpSeconds: number;
  /** How long what waits may need. Below `startUpSeconds` it cannot be kept, and orders more than is needed. */
  targetSeconds: number;
}

/** A worker on CPUs is ready in half a minute; one on a GPU may have to wait for its node. */
export const horizons = {
  cpu: { windowSeconds: 120, startUpSeconds: 30, targetSeconds: 60 },
  gpu: { windowSeconds: 300, startUpSeconds: 300, targetSeconds: 300 },
} as const satisfies Record<string, Horizon>;

/**
 * Items a second that all workers together should do: as many as arrive, and within `targetSeconds` whatever will be
 * waiting when a worker that is ordered now takes its first chunk.
 *
 * The backlog alone would not do. While the workers keep up there is none, so it asks for fewer until they do not.
 */
export function demand(
  { postedPerSecond, pending, itemsPerSecond }: Signals,
  { startUpSeconds, targetSeconds }: Pick<Horizon, 'startUpSeconds' | 'targetSeconds'>,
): number {
  const waiting = pending + startUpSeconds * (postedPerSecond - itemsPerSecond);
  return postedPerSecond + Math.max(0, waiting) / targetSeconds;
}

/** `demand` as the ScaledObject of a profile asks Prometheus for it. Every API tells the same of what is in Redis. */
export function demandQuery(profile: string, { windowSeconds, startUpSeconds, targetSeconds }: Horizon): string {
  const of = `{profile="${profile}"}`;
  const posted = `sum(rate(vls_items_posted_total${of}[${windowSeconds / 60}m]))`;
  const pending = `max(vls_items_pending${of})`;
  const speed = `max(vls_items_per_second${of})`;
  return `${posted} + clamp_min(${pending} + ${startUpSeconds} * (${posted} - ${speed}), 0) / ${targetSeconds}`;
}
