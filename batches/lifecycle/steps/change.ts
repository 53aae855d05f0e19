import { loadScript } from '../../../shared/lua.ts';
import { batchKeys, finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import { type BatchRecord, toHash } from '../../store/record.ts';

const script = loadScript(new URL('./change.lua', import.meta.url));

/** The fields that clients may change. An empty text removes the name. */
export type Changed = { [Name in 'name' | 'tags' | 'retentionMs']?: BatchRecord[Name] | undefined };

/** Changes a batch. @returns false when there is no such batch. */
export async function changeBatch(redis: Redis, id: string, { retentionMs, ...fields }: Changed): Promise<boolean> {
  const values = [retentionMs ?? '', ...Object.entries(toHash(fields)).flat()];
  const [found, due] = (await script(redis, [batchKeys(redis, id).batch], values)) as [number, Buffer?];
  // The list is in another slot of a Redis cluster, out of reach of the script. If this process dies now, the batch is
  // deleted at the time set before.
  if (due !== undefined) await redis.zadd(finishedBatches(redis), Number(String(due)), id);
  return found === 1;
}
