import type { Request, RequestHandler } from 'express';
import { type ClientRateLimitInfo, MemoryStore, type Options, rateLimit, type Store } from 'express-rate-limit';
import { type RedisReply, RedisStore } from 'rate-limit-redis';
import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { rateLimitPrefix } from '../../shared/redis/keys.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';
import { principalOf } from './principal.ts';

const windowMs = 60_000;
/** A request does not wait longer than this for Redis to count it, in milliseconds. */
const patienceMs = 200;
/** A tenant's requests in a minute, where keys are needed and nothing else is said. */
const defaultRequests = 6_000;

/**
 * Bounds a tenant's requests in a minute, over all APIs together, and says so in the headers `RateLimit` and
 * `RateLimit-Policy` (draft 8). While Redis is away each API counts for itself.
 */
export function createRateLimit(
  redis: Redis,
  { tenantRequestsPerMinute }: Pick<Config, 'tenantRequestsPerMinute'>,
  keysRequired: boolean,
): RequestHandler {
  const configured = tenantRequestsPerMinute ?? (keysRequired ? defaultRequests : 0);
  const limitOf = (request: Request) => principalOf(request)?.limits?.requestsPerMinute ?? configured;
  return rateLimit({
    windowMs,
    store: createStore(redis),
    limit: limitOf,
    skip: (request) => limitOf(request) === 0,
    keyGenerator: (request) => principalOf(request)?.tenant ?? '',
    standardHeaders: 'draft-8',
    identifier: 'tenant',
    legacyHeaders: false,
    // Addresses are not what is counted.
    validate: false,
    handler: (request, response, next) => {
      const retryAfter = Number(response.getHeader('Retry-After') ?? 1);
      next(
        new ServiceError(
          'tenant.rate_limited',
          `${principalOf(request)?.tenant} may send ${limitOf(request)} requests a minute`,
          { retryAfter },
        ),
      );
    },
  });
}

/** Redis where it answers in time, else this process. */
function createStore(redis: Redis): Store {
  const local = new MemoryStore();
  let options: Options | undefined;
  let shared: RedisStore | undefined;

  /** Made when Redis answers: a store that could not load its scripts never tries again. */
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
      const patience = Promise.withResolvers<ClientRateLimitInfo>();
      const timer = setTimeout(() => patience.reject(new Error('Redis did not count in time')), patienceMs);
      const counted = increment(key).finally(() => clearTimeout(timer));
      try {
        return await Promise.race([counted, patience.promise]);
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

/** Each server has scripts of its own, and a tenant's counter may lie on any: a script is loaded into all. */
function sendCommandOf(redis: Redis) {
  return async (command: string, ...rest: string[]): Promise<RedisReply> => {
    if (command !== 'SCRIPT') return (await redis.call(command, ...rest)) as RedisReply;
    const [loaded] = await askMasters(redis, (master) => master.call(command, ...rest));
    return loaded as RedisReply;
  };
}
