import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { batchRecord } from './record.ts';

/**
 * The names of all fields of a batch record except the columns and their types. The header of a CSV may have 256 KB,
 * and only results and retries need it.
 */
const fields = Object.keys(batchRecord.shape).filter((name) => name !== 'columns' && name !== 'columnTypes');

/**
 * Returns the stored fields of a batch, which `batchRecord` then parses. The columns and their types are left out,
 * because this function is called often: a list reads a thousand batches, and a request that waits for a batch reads it
 * twenty times a second. Returns no fields when the batch does not exist.
 */
export async function readFields(redis: Redis, id: string): Promise<Record<string, string>> {
  const values = await redis.hmget(batchKeys(redis, id).batch, ...fields);
  const present = fields.flatMap((name, at) => {
    const value = values[at];
    return value == null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(present);
}
