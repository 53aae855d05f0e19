import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { batchRecord } from './record.ts';

/**
 * All fields except the columns and their types: the header of a CSV takes up to 256 KB, and only results and retries
 * need it.
 */
const fields = Object.keys(batchRecord.shape).filter((name) => name !== 'columns' && name !== 'columnTypes');

/**
 * Returns the fields of a batch for `batchRecord`, without the columns and their types: a list reads a thousand
 * batches, and a waiting request reads one twenty times a second. Returns no fields when the batch does not exist.
 */
export async function readFields(redis: Redis, id: string): Promise<Record<string, string>> {
  const values = await redis.hmget(batchKeys(redis, id).batch, ...fields);
  const present = fields.flatMap((name, at) => {
    const value = values[at];
    return value == null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(present);
}
