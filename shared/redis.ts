import { Redis, type RedisOptions } from 'ioredis';
import { ServiceError } from './errors.ts';
import type { Logger } from './log.ts';

export type { Redis } from 'ioredis';

/**
 * `producer`: an HTTP request waits behind it, so it fails at once when Redis is away.
 * `consumer`: work in hand must not be lost, so it waits for Redis as long as it takes.
 */
export type RedisRole = 'producer' | 'consumer';

const roleOptions = {
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 10_000 },
  consumer: { maxRetriesPerRequest: null },
} as const satisfies Record<RedisRole, RedisOptions>;

/** A connection that comes back by itself. `url`: redis://, rediss:// or the path of a unix socket. */
export function connectRedis(url: string, role: RedisRole, log: Logger): Redis {
  const redis = new Redis(url, {
    ...roleOptions[role],
    retryStrategy: (attempt: number) => Math.min(100 * attempt, 1000),
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    connectionName: `vls-${role}`,
  });
  let reported = false;
  redis.on('error', (error) => {
    // One line for an outage, not one for every attempt.
    if (!reported)
      log.warn({ role, reason: error.message || (error as NodeJS.ErrnoException).code }, 'Redis cannot be reached');
    reported = true;
  });
  redis.on('ready', () => {
    if (reported) log.info({ role }, 'Redis is back');
    reported = false;
  });
  return redis;
}

/** Resolves when the connection answers; for a start that should not race it. Never rejects. */
export async function whenConnected(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true;
  return await new Promise((resolve) => {
    const settle = (ready: boolean) => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = () => settle(true);
    const timer = setTimeout(() => settle(false), timeoutMs);
    redis.on('ready', onReady);
  });
}

const connectionFaults =
  /Connection is closed|Stream isn't writeable|ECONN|ENOENT|EPIPE|max retries|Command timed out|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MISCONF/i;

/**
 * Runs a step that needs Redis, and turns the connection's faults into one that callers may retry.
 * @throws {ServiceError} `queue.unavailable`
 */
export async function withRedis<Value>(redis: Redis, step: () => Promise<Value>): Promise<Value> {
  const unavailable = (cause?: unknown) =>
    new ServiceError('queue.unavailable', 'Redis cannot be reached; batches wait until it is back', {
      cause,
      retryAfter: 2,
    });
  if (redis.status !== 'ready') throw unavailable();
  try {
    return await step();
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    if (error instanceof Error && /OOM command/.test(error.message)) {
      throw new ServiceError('queue.full', 'Redis is full', { cause: error, retryAfter: 60 });
    }
    if (error instanceof Error && connectionFaults.test(`${error.name} ${error.message}`)) throw unavailable(error);
    throw error;
  }
}

/** A pipeline reports each command's fault on its own; the first one is what went wrong. */
export function throwFirst(replies: [Error | null, unknown][] | null): void {
  const fault = replies?.find(([error]) => error !== null)?.[0];
  if (fault) throw fault;
}
