import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./discard.lua', import.meta.url));

/**
 * Deletes the record of a batch whose client stopped sending before all items had arrived.
 * @returns false if the client is still sending, or if all items have arrived.
 */
export async function discardBatch(redis: Redis, id: string): Promise<boolean> {
  const { batch, lease } = batchKeys(redis, id);
  return (await script(redis, [batch, lease])) === 1;
}
