import { loadScript } from '../../../shared/lua.ts';
import { batchKeys, finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import { type BatchRecord, toHash } from '../../store/record.ts';

const script = loadScript(new URL('./change.lua', import.meta.url));

/** The fields of a batch that clients may change. To remove the name, clients set it to an empty text. */
export type Changed = { [Name in 'name' | 'tags' | 'retentionMs']?: BatchRecord[Name] | undefined };

/** Changes a batch. @returns false when there is no such batch. */
export async function changeBatch(redis: Redis, id: string, { retentionMs, ...fields }: Changed): Promise<boolean> {
  const values = [retentionMs ?? '', ...Object.entries(toHash(fields)).flat()];
  const [found, due] = (await script(redis, [batchKeys(redis, id).batch], values)) as [number, Buffer?];
  // The list of finished batches is in another slot of a Redis cluster, so the script cannot change it. If this process
  // dies before this command, the batch is deleted at the time that applied before the change.
  if (due !== undefined) await redis.zadd(finishedBatches(redis), Number(String(due)), id);
  return found === 1;
}
