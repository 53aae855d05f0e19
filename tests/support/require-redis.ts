import { findRedisServer } from '../../start/redis/find.ts';

/** `npm test` installs a Redis server before it comes here; a run of vitest alone is told what is absent. */
export default function requireRedis(): void {
  if (findRedisServer() !== undefined) return;
  throw new Error('The tests need redis-server; `npm test` installs it where that needs no password');
}
