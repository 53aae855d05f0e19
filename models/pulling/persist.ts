import { setTimeout as delay } from 'node:timers/promises';
import { isTransient, PullError } from './pull-error.ts';

/** The timeouts and retries of a download. */
export interface Patience {
  /** The maximum time without data on a connection, in ms. */
  idleMs: number;
  /** The maximum number of consecutive attempts without progress. */
  attempts: number;
  /** The wait before the second attempt, in ms. It doubles with each further attempt. */
  retryDelayMs: number;
  /** The maximum wait in ms that a server may ask for. The hub's rate limit asks for up to 300 s. */
  longestWaitMs: number;
}
/** The waits between six attempts add up to 31 s, about the time that a laptop needs to change networks. */
export const patience: Patience = { idleMs: 30_000, attempts: 6, retryDelayMs: 1_000, longestWaitMs: 900_000 };

/** A failed attempt that will be repeated. */
export interface Retry {
  reason: string;
  waitMs: number;
}

export interface Watch {
  /** Reports that data has arrived, which restarts the idle timeout. */
  alive(): void;
  /** Reports bytes that no earlier attempt had received, which resets the count of consecutive failures. */
  progressed(): void;
}

/**
 * Repeats an attempt until it succeeds, fails permanently, or fails too often without progress.
 * @param attempt receives a signal that aborts when the attempt has not called `alive` for `idleMs`.
 */
export async function persist<T>(
  options: Patience & { signal?: AbortSignal | undefined; onRetry(retry: Retry): void },
  attempt: (signal: AbortSignal, watch: Watch) => Promise<T>,
): Promise<T> {
  const { idleMs, attempts, retryDelayMs, longestWaitMs } = options;
  let hasEverProgressed = false;
  for (let failures = 0; ; ) {
    const idle = new AbortController();
    const silence = new DOMException(`no data for ${idleMs / 1000} s`, 'TimeoutError');
    const timer = setTimeout(() => idle.abort(silence), idleMs);
    let hasProgressed = false;
    const watch: Watch = {
      alive: () => void timer.refresh(),
      progressed: () => {
        hasProgressed = true;
      },
    };
    const signal = options.signal === undefined ? idle.signal : AbortSignal.any([options.signal, idle.signal]);
    let wait: number;
    try {
      return await attempt(signal, watch);
    } catch (error) {
      failures = hasProgressed ? 1 : failures + 1;
      hasEverProgressed ||= hasProgressed;
      if (!isTransient(error)) throw error;
      const most = hasEverProgressed ? attempts : Math.min(attempts, error.attempts ?? attempts);
      if (failures >= most) throw error;
      wait = Math.max(retryDelayMs * 2 ** (failures - 1), error.waitMs ?? 0);
      if (wait > longestWaitMs) throw tooLong(error, wait);
      options.onRetry({ reason: error.message, waitMs: wait });
    } finally {
      clearTimeout(timer);
      // Closes the connection, which is still open after a local failure such as a full disk.
      idle.abort();
    }
    await delay(wait, undefined, { ...(options.signal && { signal: options.signal }) });
  }
}

const tooLong = (error: PullError, waitMs: number) =>
  new PullError(
    error.code,
    `${error.message}; the server asks clients to wait ${Math.ceil(waitMs / 60_000)} minutes`,
    'Run the same command again after that time.',
    { cause: error },
  );
