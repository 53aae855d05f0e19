import { loadScript } from '../../../shared/lua.ts';
import { finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./set-expiry.lua', import.meta.url));

/** Sets the time, in ms from now, at which the sweeper deletes a batch. */
export async function setExpiry(redis: Redis, id: string, fromNowMs: number): Promise<void> {
  await script(redis, [finishedBatches(redis)], [fromNowMs, id]);
}
