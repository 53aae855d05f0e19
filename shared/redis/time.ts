import type { Redis } from './masters.ts';

/**
 * Redis' own time, in milliseconds since 1970. What several processes compare or store is measured by it, as their own
 * clocks may be days apart; scripts take it from `now.lua`.
 */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = (await redis.time()).map(Number);
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
