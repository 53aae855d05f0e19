import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./store-inputs.lua', import.meta.url));

/** `stored` is the payload of the chunk, or a reference to it in a bucket. */
export interface StoredInput {
  chunk: number;
  stored: Buffer;
}

/** Stores chunks of a batch in state `accepting`. @returns false when the batch is in another state. */
export async function storeInputs(redis: Redis, id: string, inputs: readonly StoredInput[]): Promise<boolean> {
  const keys = batchKeys(redis, id);
  const fieldsByHash = new Map<string, (string | Buffer)[]>();
  for (const { chunk, stored } of inputs) {
    const hash = keys.input(chunk);
    const fields = fieldsByHash.get(hash) ?? [];
    fields.push(String(chunk), stored);
    fieldsByHash.set(hash, fields);
  }
  for (const [hash, fields] of fieldsByHash) {
    if ((await script(redis, [keys.batch, hash], fields)) === 0) return false;
  }
  return true;
}
