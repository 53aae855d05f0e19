import { setTimeout as delay } from 'node:timers/promises';
import { isTransient, PullError } from './pull-error.ts';

/** How patient a download is. */
export interface Patience {
  /** Longest silence of a connection, in milliseconds. */
  idleMs: number;
  /** Attempts in a row that bring nothing new. */
  attempts: number;
  /** Before the second attempt, in milliseconds; doubled before each further one. */
  retryDelayMs: number;
  /** Longest wait that another side may ask for, in milliseconds. The window of the hub's rate limit is 300 s. */
  longestWaitMs: number;
}
/** Six attempts wait for 31 s together, about as long as a machine takes to change networks. */
export const patience: Patience = { idleMs: 30_000, attempts: 6, retryDelayMs: 1_000, longestWaitMs: 900_000 };

/** An attempt that failed and is made again. */
export interface Retry {
  reason: string;
  /** Until the next attempt, in milliseconds. */
  waitMs: number;
}

/** What an attempt reports while it runs. */
export interface Watch {
  /** Something arrived: the connection is not silent. */
  alive(): void;
  /** Something new arrived: the next failure is the first one in a row. */
  progressed(): void;
}

/**
 * Runs an attempt until it succeeds, while its failures are transient and few of them in a row brought nothing new.
 * Waits at least as long as the other side asks.
 * @param attempt gets a signal that fires when nothing has called `alive` for a while.
 */
export async function persist<T>(
  options: Patience & { signal?: AbortSignal | undefined; onRetry(retry: Retry): void },
  attempt: (signal: AbortSignal, watch: Watch) => Promise<T>,
): Promise<T> {
  const { idleMs, attempts, retryDelayMs, longestWaitMs } = options;
  for (let failures = 0; ; ) {
    const idle = new AbortController();
    const silence = new DOMException(`no byte in ${idleMs / 1000} s`, 'TimeoutError');
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
      // Closes the connection of an attempt that failed elsewhere, on a full disk for one.
      idle.abort();
    }
    await delay(wait, undefined, { ...(options.signal && { signal: options.signal }) });
  }
}

const tooLong = (error: PullError, waitMs: number) =>
  new PullError(
    error.code,
    `${error.message}; it asks for ${Math.ceil(waitMs / 60_000)} minutes without a request`,
    'Run the same command again after that time. What has arrived is stored.',
    { cause: error },
  );
