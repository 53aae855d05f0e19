import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { ServiceError } from '../../shared/errors.ts';

/** Wrong keys one address may send in a minute before it is told to wait. */
const maxFailures = 20;
const windowMs = 60_000;

/** Counts wrong keys by the address they come from. */
export interface FailedKeys {
  /** @throws {ServiceError} `access.key_invalid`, or `access.throttled` when it happens too often. */
  refuse(address: string, message: string): Promise<never>;
}

/**
 * In this process alone: with 256 random bits there is nothing to find by trying, and it is logs and time that are
 * spared. For the same reason a right key is let in from a throttled address, else anybody behind a shared proxy could
 * shut the others out.
 */
export function createFailedKeys(): FailedKeys {
  const store = new MemoryStore();
  store.init({ windowMs } as Options);
  return {
    async refuse(address, message) {
      const { totalHits, resetTime } = await store.increment(ipKeyGenerator(address));
      if (totalHits <= maxFailures) throw new ServiceError('access.key_invalid', message);
      const retryAfter = Math.max(1, ((resetTime?.getTime() ?? 0) - Date.now()) / 1000);
      throw new ServiceError('access.throttled', 'Too many wrong keys came from this address', { retryAfter });
    },
  };
}
