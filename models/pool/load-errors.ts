import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { ModelSpec } from '../model.ts';

/** The error of the last attempt to load the model, until one succeeds. */
export interface LoadErrors {
  readonly current: string | null;
  set(reason: string): void;
  clear(): void;
  /** Logs an attempt that failed: as an error once for each reason, as each encoder tries again and again. */
  log(reason: string): void;
  /**
   * The error with the time of the next attempt; null after a success.
   * @param seconds until then.
   */
  describe(seconds: number): string | null;
  /** The error of a task that cannot be done now. */
  unavailable(seconds: number): ServiceError;
}

/** The earliest time after which a refused client is asked to come back, in seconds. */
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
      else log.error({ model, revision, reason }, 'model not loaded; retrying');
      logged = reason;
    },
    describe,
    unavailable: (seconds) =>
      new ServiceError('model.unavailable', `${model} cannot be loaded: ${describe(seconds)}`, {
        retryAfter: Math.max(leastRetrySeconds, seconds),
      }),
  };
}
