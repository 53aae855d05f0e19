import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { batchRecord } from './record.ts';

/** All fields but `columns` and their types: the header of a CSV takes up to 256 KB, and only results and retries need it. */
const fields = Object.keys(batchRecord.shape).filter((name) => name !== 'columns' && name !== 'columnTypes');

/**
 * Returns the fields of a batch for `batchRecord`, without `columns` and their types: lists read a thousand batches, and a wait reads one
 * twenty times a second. Returns no field when there is no such batch.
 */
export async function readFields(redis: Redis, id: string): Promise<Record<string, string>> {
  const values = await redis.hmget(batchKeys(redis, id).batch, ...fields);
  const present = fields.flatMap((name, at) => {
    const value = values[at];
    return value == null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(present);
}
