import { jobKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * Detects that an idle worker receives no job although jobs are waiting. The cause is a dead connection to Redis: one
 * that only waits for jobs reports no error.
 */
export interface BacklogWatch {
  taken(): void;
  /** Returns the ms for which the worker was idle without a job although jobs were waiting, or 0. */
  silentMs(): number;
  close(): void;
}

/**
 * A worker counts as silent after this many ms without a job although jobs are waiting. A healthy worker takes one
 * within 15 s, even when its connection is replaced.
 */
export const silentAfterMs = 60_000;

/**
 * @param isIdle returns true when the worker could take a job now.
 * @param onSilent called every `afterMs` ms for which the worker has received no job although jobs are waiting.
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
    // An error of Redis does not show that the worker receives no jobs.
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
