import type { Redis } from './masters.ts';

export const defaultPrefix = 'vls';

const prefixes = new WeakMap<Redis, string>();

/**
 * Sets the prefix of all keys of a connection, as plain text or as hash tag in braces. Services with different prefixes
 * can share a Redis.
 */
export function usePrefix(redis: Redis, prefix: string): void {
  prefixes.set(redis, prefix);
}

export const prefixOf = (redis: Redis): string => prefixes.get(redis) ?? defaultPrefix;
