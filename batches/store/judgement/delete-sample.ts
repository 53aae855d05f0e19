import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./delete-sample.lua', import.meta.url));

/** Deletes the sample of a batch, or only the given one; see delete-sample.lua for each verdict. */
export async function deleteSample(redis: Redis, id: string, sample = ''): Promise<'deleted' | 'other'> {
  return String(await script(redis, [batchKeys(redis, id).judgement], [sample])) as 'deleted' | 'other';
}
