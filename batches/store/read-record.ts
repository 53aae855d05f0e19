import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { batchRecord } from './record.ts';

<<<<<<< HEAD
/** All fields but `columns`: the header of a CSV takes up to 256 KB, and only results and retries need it. */
const fields = Object.keys(batchRecord.shape).filter((name) => name !== 'columns');

/**
 * Returns the fields of a batch for `batchRecord`, without `columns`: lists read a thousand batches, and a wait reads one
 * twenty times a second. Returns no field when there is no such batch.
=======
/** The header of a CSV takes up to 256 KB, and only results and retries need it. */
const fields = Object.keys(batchRecord.shape).filter((name) => name !== 'columns' && name !== 'columnTypes');

/**
 * The fields of a batch for `batchRecord`, without `columns` and `columnTypes`: lists read a thousand batches, a wait reads one
 * twenty times a second. Without any field when there is no such batch.
>>>>>>> 83ccb34 (Results as Parquet: over HTTP and from vls batch, with the columns of the items in their types)
 */
export async function readFields(redis: Redis, id: string): Promise<Record<string, string>> {
  const values = await redis.hmget(batchKeys(redis, id).batch, ...fields);
  const present = fields.flatMap((name, at) => {
    const value = values[at];
    return value == null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(present);
}
