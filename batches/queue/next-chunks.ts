import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./next-chunks.lua', import.meta.url));

/** Chunks of a batch to add to the queue. */
export interface NextChunks {
  chunks: number[];
  /** True when more chunks of the batch follow later. */
  hasMore: boolean;
  /** The weight of the tenant at the time of the post: its share of the workers, relative to other tenants. */
  weight: number;
}

/** Takes the next chunks of a batch, so that up to `window` of its chunks wait in the queue. */
export async function takeNextChunks(redis: Redis, id: string, window: number): Promise<NextChunks> {
  const { batch, waiting } = batchKeys(redis, id);
  const reply = await script(redis, [batch, waiting], [window]);
  const [left, weight, ...chunks] = reply as [left: number, weight: Buffer, ...chunks: number[]];
  return { chunks, hasMore: left === 1, weight: Number(weight) };
}
