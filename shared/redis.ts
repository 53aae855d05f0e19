import type { Redis as Server } from 'ioredis';
import { ServiceError } from './errors.ts';
import type { Logger } from './log.ts';
import { connectCluster } from './redis/cluster.ts';
import { faultOfReply, type RedisFault, redisFaults } from './redis/fault.ts';
import { type LastingOptions, LastingServer, retryDelay } from './redis/lasting-server.ts';
import type { Redis } from './redis/masters.ts';
import { defaultPrefix, usePrefix } from './redis/prefix.ts';
import { explain } from './redis/reason.ts';
import { type RedisTls, tlsOptions } from './redis/tls.ts';
import { parseRedisUrl, type RedisTarget, userOf } from './redis/url.ts';

export type { Redis } from './redis/masters.ts';

/**
 * `producer`: commands fail at once while Redis is unavailable, because an HTTP request waits. `consumer`: commands
 * wait without limit, because work in flight must not be lost.
 */
export type RedisRole = 'producer' | 'consumer';

const roleOptions = {
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 10_000 },
  consumer: { maxRetriesPerRequest: null, resends: true },
} as const satisfies Record<RedisRole, LastingOptions>;

/**
 * Opens a connection that reconnects automatically.
 * @param url in the format of `REDIS_URL`; see {@link parseRedisUrl}.
 * @param redisPrefix the prefix of all keys; see {@link usePrefix}.
 * @throws {ConfigError} if a certificate file cannot be read.
 */
export function connectRedis(
  url: string,
  role: RedisRole,
  log: Logger,
  { redisPrefix = defaultPrefix, ...redisTls }: RedisTls & { redisPrefix?: string | undefined } = {},
): Redis {
  const target = parseRedisUrl(url);
  const tls = target.tls ? { tls: tlsOptions(redisTls) } : {};
  const connectionName = `vls-${role}`;
  const redis =
    target.kind === 'cluster'
      ? connectCluster(target, role, { ...tls, connectionName }, retryDelay, log)
      : connectServer(target, { ...roleOptions[role], ...tls, connectionName });
  usePrefix(redis, redisPrefix);
  let reported = false;
  redis.on('error', (error: Error) => {
    // An outage gets a single log line.
    if (reported) return;
    reported = true;
    void explain(error, target, redisTls).then((reason) => log.warn({ role, reason }, 'cannot reach Redis'));
  });
  redis.on('ready', () => {
    if (reported) log.info({ role }, 'Redis is back');
    reported = false;
  });
  return redis;
}

/** Connects to the server at an address, or to the master that the sentinels name. */
function connectServer(target: Exclude<RedisTarget, { kind: 'cluster' }>, own: LastingOptions): Server {
  if (target.kind !== 'sentinel') return new LastingServer(own, target.kind === 'socket' ? target.path : target.url);
  const { sentinels, master, db, sentinelUsername, sentinelPassword } = target;
  return new LastingServer({
    ...own,
    ...userOf(target),
    sentinels,
    name: master,
    db,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(own.tls && { sentinelTLS: own.tls, enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: retryDelay,
    // When a master's machine fails, its connections stay open. With this option, the sentinels announce the new
    // master.
    failoverDetector: true,
    sentinelReconnectStrategy: retryDelay,
  });
}

/** Returns true once the connection is ready, or false after `timeoutMs`. Never rejects. */
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
  /Connection is closed|Stream isn't writeable|ECONN|ENOENT|EPIPE|ETIMEDOUT|max retries|Command timed out|Socket timeout/i;
/** Errors of a cluster while a server is unavailable or hash slots are being moved. */
const clusterFaults = /Cluster redirections|Cluster isn't ready|Cluster is ended|startup nodes|slots cache/i;

/**
 * Runs a function that needs Redis, and converts connection errors to retryable ones.
 * @throws {ServiceError} `queue.unavailable` when Redis cannot be used; `queue.full` when its memory is full.
 */
export async function withRedis<Value>(redis: Redis, step: () => Promise<Value>): Promise<Value> {
  const unavailable = (cause?: unknown, fault: RedisFault = 'unreachable') =>
    new ServiceError('queue.unavailable', `${redisFaults[fault]}; batches continue when Redis is available again`, {
      cause,
      retryAfter: 2,
    });
  if (redis.status !== 'ready') throw unavailable();
  try {
    return await step();
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    if (!(error instanceof Error)) throw error;
    const fault = faultOfReply(error.message);
    if (fault === 'full') throw new ServiceError('queue.full', redisFaults.full, { cause: error, retryAfter: 60 });
    if (fault !== undefined || isTransient(`${error.name} ${error.message}`)) throw unavailable(error, fault);
    throw error;
  }
}

const isTransient = (fault: string): boolean => connectionFaults.test(fault) || clusterFaults.test(fault);

/** Throws the first error in the replies of a pipeline. */
export function throwFirst(replies: [Error | null, unknown][] | null): void {
  const fault = replies?.find(([error]) => error !== null)?.[0];
  if (fault) throw fault;
}
