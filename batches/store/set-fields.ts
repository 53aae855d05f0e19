import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchRecord } from './record.ts';

const script = loadScript(new URL('./set-fields.lua', import.meta.url));

/**
 * Sets fields of a batch. Does nothing when the batch was deleted; otherwise a record with only these fields would be
 * created.
 */
export async function setFields(
  redis: Redis,
  id: string,
  fields: Partial<Record<keyof BatchRecord, string | number>>,
): Promise<void> {
  await script(redis, [batchKeys(redis, id).batch], Object.entries(fields).flat());
}
