import type { Redis } from './masters.ts';

/**
 * Returns Redis's time in ms since 1970. Stored and compared times come from Redis, because process clocks may differ
 * by days. Scripts use `now.lua`.
 */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = (await redis.time()).map(Number);
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
