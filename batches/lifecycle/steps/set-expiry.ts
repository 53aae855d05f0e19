import { loadScript } from '../../../shared/lua.ts';
import { finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./set-expiry.lua', import.meta.url));

/** Adds a batch to the list of finished batches. @param fromNowMs the time in ms after which the sweeper deletes it. */
export async function setExpiry(redis: Redis, id: string, fromNowMs: number): Promise<void> {
  await script(redis, [finishedBatches(redis)], [fromNowMs, id]);
}
