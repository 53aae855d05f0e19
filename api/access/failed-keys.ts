import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { ServiceError } from '../../shared/errors.ts';

/** The maximum number of invalid keys per client address and minute. */
const maxFailures = 20;
const windowMs = 60_000;

export interface FailedKeys {
  /**
   * Counts an invalid key.
   * @throws {ServiceError} `access.key_invalid`, or `access.throttled` beyond the limit of the address.
   */
  refuse(address: string, message: string): Promise<never>;
}

/**
 * Creates the counter, for this process only. Keys have 256 random bits, so the limit only saves log lines and CPU
 * time. A throttled address may still use valid keys, because others may share its proxy.
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
