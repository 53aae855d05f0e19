import { jobKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * Detects a worker that is idle and takes no job although jobs wait. This happens when the worker's connection to Redis
 * is dead, since a connection that waits for jobs shows no error.
 */
export interface BacklogWatch {
  /** Records that the worker has taken a job. */
  taken(): void;
  /**
   * Returns the time in ms for which jobs have waited while the worker was idle and took none; 0 while it takes jobs.
   */
  silentMs(): number;
  close(): void;
}

/**
 * The time in ms after which an idle worker that takes no job although jobs wait counts as silent. A healthy worker
 * takes a job within 15 s, even when its connection is replaced.
 */
export const silentAfterMs = 60_000;

/**
 * @param isIdle returns true when the worker could take a job now.
 * @param onSilent called when the worker has been silent for `afterMs`, and again every `afterMs` until it takes a job.
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
  let reportedAt: number | undefined;
  let isChecking = false;

  function taken(): void {
    since = undefined;
    reportedAt = undefined;
  }

  async function check(): Promise<void> {
    // Without Redis the worker cannot take a job. Other code reports that Redis is unavailable.
    if (redis.status !== 'ready' || !isIdle()) return taken();
    const checkedAt = performance.now();
    const [waiting, prioritized, isPaused] = await Promise.all([
      redis.llen(keys.wait),
      redis.zcard(keys.prioritized),
      redis.hexists(keys.meta, 'paused'),
    ]);
    if (waiting + prioritized === 0 || isPaused === 1 || !isIdle()) return taken();
    since ??= checkedAt;
    if (checkedAt - (reportedAt ?? since) < afterMs) return;
    reportedAt = checkedAt;
    onSilent();
  }

  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    // An error of Redis is not a fault of the worker.
    void check()
      .catch(taken)
      .finally(() => {
        isChecking = false;
      });
  }, everyMs).unref();
  return {
    taken,
    silentMs: () => (since === undefined ? 0 : performance.now() - since),
    close: () => clearInterval(timer),
  };
}
