import { jobKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/** Sees that jobs wait which an idle worker could take and does not: a connection that waits for jobs in vain looks well. */
export interface BacklogWatch {
  /** The worker has taken a job. */
  taken(): void;
  /** How long jobs have waited while the worker was idle and took none, in milliseconds; 0 when all is well. */
  silentMs(): number;
  close(): void;
}

/** A worker that is idle takes a job within some 15 s at the latest, when its connection is replaced. */
export const silentAfterMs = 60_000;

/**
 * @param isIdle whether the worker could take a job now.
 * @param onSilent called once the worker has been silent for so long, and again after as long.
 */
export function watchBacklog(
  redis: Redis,
  profile: string,
  isIdle: () => boolean,
  onSilent: () => void,
  { everyMs = 5_000, afterMs = silentAfterMs } = {},
): BacklogWatch {
  const keys = jobKeys(redis, profile);
  let since: number | undefined;
  let toldAt: number | undefined;
  let isLooking = false;

  function taken(): void {
    since = undefined;
    toldAt = undefined;
  }

  async function look(): Promise<void> {
    // While Redis is away nothing can be taken, and others say so.
    if (redis.status !== 'ready' || !isIdle()) return taken();
    const lookedAt = performance.now();
    const [waiting, prioritized, isPaused] = await Promise.all([
      redis.llen(keys.wait),
      redis.zcard(keys.prioritized),
      redis.hexists(keys.meta, 'paused'),
    ]);
    if (waiting + prioritized === 0 || isPaused === 1 || !isIdle()) return taken();
    since ??= lookedAt;
    if (lookedAt - (toldAt ?? since) < afterMs) return;
    toldAt = lookedAt;
    onSilent();
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    // What Redis does not answer is no evidence against the worker.
    void look()
      .catch(taken)
      .finally(() => {
        isLooking = false;
      });
  }, everyMs).unref();
  return {
    taken,
    silentMs: () => (since === undefined ? 0 : performance.now() - since),
    close: () => clearInterval(timer),
  };
}
