import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchRecord } from './record.ts';

const script = loadScript(new URL('./set-fields.lua', import.meta.url));

/** Sets fields of a batch. Does nothing when it was deleted. */
export async function setFields(
  redis: Redis,
  id: string,
  fields: Partial<Record<keyof BatchRecord, string | number>>,
): Promise<void> {
  await script(redis, [batchKeys(redis, id).batch], Object.entries(fields).flat());
}
