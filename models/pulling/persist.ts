import { setTimeout as delay } from 'node:timers/promises';
import { isTransient, PullError } from './pull-error.ts';

/** Timeouts and retries of a download. */
export interface Patience {
  /** The maximum silence of a connection in ms. */
  idleMs: number;
  /** The maximum number of attempts in a row without progress. */
  attempts: number;
  /** The time in ms before the second attempt. It doubles with each further attempt. */
  retryDelayMs: number;
  /** The maximum wait in ms that a server may ask for. The hub counts requests in windows of 300 s. */
  longestWaitMs: number;
}
/** The waits of six attempts add up to 31 s, about the time in which a laptop changes networks. */
export const patience: Patience = { idleMs: 30_000, attempts: 6, retryDelayMs: 1_000, longestWaitMs: 900_000 };

/** A failed attempt that will be repeated. */
export interface Retry {
  reason: string;
  /** Pause before the next attempt (ms). */
  waitMs: number;
}

/** Functions by which an attempt reports its state. */
export interface Watch {
  /** Data arrived, so the connection is not silent. */
  alive(): void;
  /** New data arrived, so the count of failures in a row starts again. */
  progressed(): void;
}

/**
 * Repeats an attempt until it succeeds. Gives up after a permanent failure, or after too many failures in a row without
 * progress. Waits at least as long as the server asks for.
 * @param attempt gets a signal that aborts when `alive` was not called for `idleMs`.
 */
export async function persist<T>(
  options: Patience & { signal?: AbortSignal | undefined; onRetry(retry: Retry): void },
  attempt: (signal: AbortSignal, watch: Watch) => Promise<T>,
): Promise<T> {
  const { idleMs, attempts, retryDelayMs, longestWaitMs } = options;
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
      if (!isTransient(error) || failures >= attempts) throw error;
      wait = Math.max(retryDelayMs * 2 ** (failures - 1), error.waitMs ?? 0);
      if (wait > longestWaitMs) throw tooLong(error, wait);
      options.onRetry({ reason: error.message, waitMs: wait });
    } finally {
      clearTimeout(timer);
      // Closes the connection of an attempt that failed locally, for example on a full disk.
      idle.abort();
    }
    await delay(wait, undefined, { ...(options.signal && { signal: options.signal }) });
  }
}

const tooLong = (error: PullError, waitMs: number) =>
  new PullError(
    error.code,
    `${error.message}; the server asks clients to wait ${Math.ceil(waitMs / 60_000)} minutes`,
    'Run the same command again after that time. The bytes received are stored.',
    { cause: error },
  );
