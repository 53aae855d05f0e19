import { jobKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/** Detects that jobs wait while an idle worker takes none. A dead connection that waits for jobs shows no error. */
export interface BacklogWatch {
  /** The worker has taken a job. */
  taken(): void;
  /** Time that jobs have waited while the worker was idle and took none, in milliseconds; 0 when it takes them. */
  silentMs(): number;
  close(): void;
}

/** Time after which an idle worker counts as silent, in milliseconds. It takes a job within 15 s even when its connection is replaced. */
export const silentAfterMs = 60_000;

/**
 * @param isIdle returns true when the worker could take a job now.
 * @param onSilent called when the worker has been silent for `afterMs`, and again every `afterMs`.
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
    // Without Redis nothing can be taken; that is reported elsewhere.
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
    // An error of Redis says nothing about the worker.
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
