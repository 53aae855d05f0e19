import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { ServiceError } from '../../shared/errors.ts';

/** The maximum number of wrong keys that one client address may send in a minute. */
const maxFailures = 20;
const windowMs = 60_000;

/** Counts the invalid API keys that each client address sends. */
export interface FailedKeys {
  /**
   * Counts an invalid key, and always throws an error.
   * @throws {ServiceError} `access.key_invalid`, or `access.throttled` when the address has exceeded its limit.
   */
  refuse(address: string, message: string): Promise<never>;
}

/**
 * Creates the counter of invalid keys. It counts in this process only. Keys have 256 random bits and cannot be guessed,
 * so the limit only saves log lines and CPU time. A throttled address may still use valid keys. Otherwise one client
 * behind a shared proxy could lock out all other clients of that proxy.
 */
export function createFailedKeys(): FailedKeys {
  const store = new MemoryStore();
  store.init({ windowMs } as Options);
  return {
    async refuse(address, message) {
      const { totalHits, resetTime } = await store.increment(ipKeyGenerator(address));
      if (totalHits <= maxFailures) throw new ServiceError('access.key_invalid', message);
      const retryAfter = Math.max(1, ((resetTime?.getTime() ?? 0) - Date.now()) / 1000);
      throw new ServiceError(
        'access.throttled',
        'Your address has sent too many invalid API keys; check the key and retry later',
        { retryAfter },
      );
    },
  };
}
