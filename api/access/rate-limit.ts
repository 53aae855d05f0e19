import type { Request, RequestHandler } from 'express';
import { type ClientRateLimitInfo, MemoryStore, type Options, rateLimit, type Store } from 'express-rate-limit';
import { type RedisReply, RedisStore } from 'rate-limit-redis';
import { ServiceError } from '../../shared/errors.ts';
import { rateLimitPrefix } from '../../shared/redis/keys.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';
import { principalOf } from './principal.ts';

const windowMs = 60_000;
/** The maximum time in ms for which a request waits until Redis has counted it. */
const redisTimeoutMs = 200;
/**
 * The default maximum number of requests per tenant and minute when API keys are required: a hundred times the rate of
 * a person who uses the page. `vls keys add --requests-per-minute` sets another.
 */
const defaultRequests = 6_000;

/**
 * Limits the requests of a tenant per minute over all API processes. While Redis is unreachable, each process counts on
 * its own.
 */
export function createRateLimit(redis: Redis, keysRequired: boolean): RequestHandler {
  const defaultLimit = keysRequired ? defaultRequests : 0;
  const limitOf = (request: Request) => principalOf(request)?.limits?.requestsPerMinute ?? defaultLimit;
  return rateLimit({
    windowMs,
    store: createStore(redis),
    limit: limitOf,
    skip: (request) => limitOf(request) === 0,
    keyGenerator: (request) => principalOf(request)?.tenant ?? '',
    standardHeaders: 'draft-8',
    identifier: 'tenant',
    legacyHeaders: false,
    // The library's check expects IP addresses as counter names, but here they are tenants.
    validate: false,
    handler: (request, response, next) => {
      const retryAfter = Number(response.getHeader('Retry-After') ?? 1);
      next(
        new ServiceError(
          'tenant.rate_limited',
          `${principalOf(request)?.tenant} may send at most ${limitOf(request)} requests per minute`,
          { retryAfter },
        ),
      );
    },
  });
}

/** Creates a store that counts in Redis, or locally when Redis does not answer in time. */
function createStore(redis: Redis): Store {
  const local = new MemoryStore();
  let options: Options | undefined;
  let shared: RedisStore | undefined;

  /**
   * The Redis store is created only when Redis is connected: a store that failed to load its scripts does not try
   * again.
   */
  async function increment(key: string): Promise<ClientRateLimitInfo> {
    if (redis.status !== 'ready' || options === undefined) return await local.increment(key);
    if (shared === undefined) {
      const store = new RedisStore({ sendCommand: sendCommandOf(redis), prefix: rateLimitPrefix(redis) });
      await store.init(options);
      shared = store;
    }
    return await shared.increment(key);
  }

  return {
    localKeys: false,
    init(given) {
      options = given;
      local.init(given);
    },
    async increment(key) {
      const timeout = Promise.withResolvers<ClientRateLimitInfo>();
      const timer = setTimeout(
        () => timeout.reject(new Error('Redis did not count the request in time')),
        redisTimeoutMs,
      );
      const counted = increment(key).finally(() => clearTimeout(timer));
      try {
        return await Promise.race([counted, timeout.promise]);
      } catch {
        counted.catch(() => {});
        shared = undefined;
        return await local.increment(key);
      }
    },
    decrement: (key) => local.decrement(key),
    resetKey: (key) => local.resetKey(key),
  };
}

/** Returns a function that sends a command to Redis, and loads scripts into every server of a cluster. */
function sendCommandOf(redis: Redis) {
  return async (command: string, ...rest: string[]): Promise<RedisReply> => {
    if (command !== 'SCRIPT') return (await redis.call(command, ...rest)) as RedisReply;
    const [loaded] = await askMasters(redis, (master) => master.call(command, ...rest));
    return loaded as RedisReply;
  };
}
