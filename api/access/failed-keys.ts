import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { ServiceError } from '../../shared/errors.ts';

/** The maximum number of wrong keys that one address may send in a minute. */
const maxFailures = 20;
const windowMs = 60_000;

/** Counts wrong keys by client address. */
export interface FailedKeys {
  /**
   * Counts a wrong key, then throws. @throws {ServiceError} `access.key_invalid`, or `access.throttled` beyond the
   * limit.
   */
  refuse(address: string, message: string): Promise<never>;
}

/**
 * Creates the counter of wrong keys. It counts in this process only. A key has 256 random bits, so nobody can guess
 * one; the limit only saves log lines and CPU time. A valid key is therefore accepted from a throttled address too:
 * otherwise one client behind a shared proxy could lock out all other clients of that proxy.
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
