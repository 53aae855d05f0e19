import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { ModelSpec } from '../model.ts';

/** The last error of loading the model, until loading succeeds. */
export interface LoadErrors {
  readonly current: string | null;
  set(reason: string): void;
  clear(): void;
  /** Encoders retry repeatedly, so the same reason is logged as an error only once. */
  log(reason: string): void;
  /** Returns the error with the time of the next attempt, in `seconds`; null after a success. */
  describe(seconds: number): string | null;
  /** Returns the error for a task while the model is not loaded. @param seconds the time until the next attempt. */
  unavailable(seconds: number): ServiceError;
}

/** The minimum `Retry-After` in s. */
const leastRetrySeconds = 5;

export function createLoadErrors({ model, revision }: ModelSpec, log: Logger): LoadErrors {
  let current: string | null = null;
  let logged: string | null = null;

  const describe = (seconds: number): string | null =>
    current === null ? null : `${current}; ${seconds > 0 ? `next attempt in ${seconds} s` : 'being tried again now'}`;

  return {
    get current() {
      return current;
    },
    set(reason) {
      current = reason;
    },
    clear() {
      current = null;
      logged = null;
    },
    log(reason) {
      if (reason === logged) log.debug({ model, reason }, 'model not loaded again');
      else log.error({ model, revision, reason }, 'the model cannot be loaded; the service retries');
      logged = reason;
    },
    describe,
    unavailable: (seconds) =>
      new ServiceError('model.unavailable', `${model} cannot be loaded: ${describe(seconds)}`, {
        retryAfter: Math.max(leastRetrySeconds, seconds),
      }),
  };
}
