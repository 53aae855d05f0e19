import type { Redis } from './masters.ts';

/** The default of `REDIS_PREFIX`: the prefix of all keys of a service. */
export const defaultPrefix = 'vls';

const prefixes = new WeakMap<Redis, string>();

/**
 * Sets the prefix of a connection. Every key that is written through the connection begins with the prefix: as plain
 * text, or as a hash tag in braces. Services with different prefixes can therefore share a Redis.
 */
export function usePrefix(redis: Redis, prefix: string): void {
  prefixes.set(redis, prefix);
}

export const prefixOf = (redis: Redis): string => prefixes.get(redis) ?? defaultPrefix;
