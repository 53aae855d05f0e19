import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./release.lua', import.meta.url));

/** See release.lua for each verdict. */
export type Released = 'waiting' | 'ended' | 'over';

/** Returns a chunk to the queue, because its worker cannot evaluate it now. */
export async function releaseChunk(redis: Redis, id: string, chunk: number, retentionMs: number): Promise<Released> {
  const keys = batchKeys(redis, id);
  const names = [keys.batch, keys.done, keys.waiting, keys.active, keys.events];
  return String(await script(redis, names, [chunk, retentionMs])) as Released;
}
