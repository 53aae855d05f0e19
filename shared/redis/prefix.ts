import type { Redis } from './masters.ts';

/** The prefix of all keys of a service, unless `REDIS_PREFIX` says otherwise. */
export const defaultPrefix = 'vls';

const prefixes = new WeakMap<Redis, string>();

/**
 * Gives a connection the part of Redis that it uses: every key that is written through it begins with the prefix, as it is
 * or as the hash tag. Two services with different prefixes share a Redis and do not see each other.
 */
export function usePrefix(redis: Redis, prefix: string): void {
  prefixes.set(redis, prefix);
}

export const prefixOf = (redis: Redis): string => prefixes.get(redis) ?? defaultPrefix;
