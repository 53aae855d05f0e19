import { loadScript } from '../../../shared/lua.ts';
import { finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./list-expired.lua', import.meta.url));

/** Returns at most `count` finished batches whose retention has passed, the first expired first. */
export async function listExpired(redis: Redis, count: number): Promise<string[]> {
  return ((await script(redis, [finishedBatches(redis)], [count])) as Buffer[]).map(String);
}
