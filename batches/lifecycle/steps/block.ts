import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import { inFlightMs } from './stop.ts';

const script = loadScript(new URL('./block.lua', import.meta.url));

/** See block.lua for each verdict. */
export type Blocked = 'waiting' | 'stopped' | 'ended' | 'over';

/**
 * Stores the reason why no worker can evaluate a batch now.
 * @param patienceMs the time in ms after which the batch fails if no worker has evaluated any of its chunks.
 */
export async function blockBatch(
  redis: Redis,
  id: string,
  why: string,
  patienceMs: number,
  retentionMs: number,
): Promise<Blocked> {
  const keys = batchKeys(redis, id);
  const values = [why, patienceMs, retentionMs, inFlightMs];
  return String(await script(redis, [keys.batch, keys.active, keys.events], values)) as Blocked;
}
