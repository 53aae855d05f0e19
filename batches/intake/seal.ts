import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchRecord } from '../store/record.ts';

const script = loadScript(new URL('./seal.lua', import.meta.url));

/** The fields of a record that are known only when all items have been read. */
export type Sealed = Pick<
  BatchRecord,
  'chunks' | 'total' | 'bodyHash' | 'inputBytes' | 'columns' | 'columnNames' | 'columnTypes'
>;

/**
 * Records that all items were received. This acknowledges the batch and makes it visible to clients.
 * @returns false when the batch was deleted or stopped.
 */
export async function sealBatch(redis: Redis, id: string, sealed: Sealed): Promise<boolean> {
  const { chunks, total, bodyHash = '', inputBytes = 0, columns, columnNames, columnTypes } = sealed;
  const json = (value: unknown) => (value === undefined ? '' : JSON.stringify(value));
  const keys = batchKeys(redis, id);
  const values = [chunks, total, bodyHash, json(columns), json(columnNames), json(columnTypes), inputBytes];
  return (await script(redis, [keys.batch, keys.lease, keys.events], values)) === 1;
}
