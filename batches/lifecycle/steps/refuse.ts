import type { ItemError } from '../../../shared/errors.ts';
import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./refuse.lua', import.meta.url));

/** In characters. */
const messageLength = 1_000;

/**
 * Ends a batch as failed, because its input object in a bucket cannot be read.
 * @returns false when the batch is not in state `accepting`.
 */
export async function refuseBatch(
  redis: Redis,
  id: string,
  { code, message }: Pick<ItemError, 'code' | 'message'>,
  retentionMs: number,
): Promise<boolean> {
  const { batch, events } = batchKeys(redis, id);
  return (await script(redis, [batch, events], [retentionMs, code, message.slice(0, messageLength)])) === 1;
}
