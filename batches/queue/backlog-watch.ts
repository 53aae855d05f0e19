import { jobKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * Detects a worker that is idle and receives no job although jobs are waiting. This happens when its connection to
 * Redis is dead, because a connection that waits for jobs reports no error.
 */
export interface BacklogWatch {
  /** Records that the worker has taken a job. */
  taken(): void;
  /**
   * Returns for how many ms jobs have been waiting while the worker was idle and received none; 0 while it receives
   * jobs.
   */
  silentMs(): number;
  close(): void;
}

/**
 * The time in ms after which an idle worker that receives no job although jobs are waiting is called silent. A healthy
 * worker takes a job within 15 s, even when its connection is replaced.
 */
export const silentAfterMs = 60_000;

/**
 * @param isIdle returns true when the worker could take a job now.
 * @param onSilent called when the worker has been silent for `afterMs`, and again after every further `afterMs` until
 * it takes a job.
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
    // Without Redis no worker can take a job. Other code reports that Redis is unavailable.
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
    // An error of Redis does not mean that the worker is silent.
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
