import type { Redis } from './masters.ts';

/**
 * Returns the time of Redis in ms since 1970. Times that processes store or compare with each other come from Redis,
 * because the clocks of the processes may differ by days. Scripts use `now.lua`.
 */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = (await redis.time()).map(Number);
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
