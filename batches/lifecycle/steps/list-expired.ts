import { loadScript } from '../../../shared/lua.ts';
import { finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./list-expired.lua', import.meta.url));

/**
 * Returns the ids of at most `count` finished batches whose retention has passed, in the order in which they expired.
 */
export async function listExpired(redis: Redis, count: number): Promise<string[]> {
  return ((await script(redis, [finishedBatches(redis)], [count])) as Buffer[]).map(String);
}
