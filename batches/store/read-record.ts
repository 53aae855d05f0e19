import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { batchRecord } from './record.ts';

/**
 * The fields of a batch record except the columns and their types. A CSV header may have 256 KB, and only results and
 * retries need it.
 */
const fields = Object.keys(batchRecord.shape).filter((name) => name !== 'columns' && name !== 'columnTypes');

/**
 * Returns the stored fields of a batch without columns and their types, or none when it does not exist. It is frequent:
 * a list reads a thousand batches.
 */
export async function readFields(redis: Redis, id: string): Promise<Record<string, string>> {
  const values = await redis.hmget(batchKeys(redis, id).batch, ...fields);
  const present = fields.flatMap((name, at) => {
    const value = values[at];
    return value == null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(present);
}
