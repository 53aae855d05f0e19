import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./next-chunks.lua', import.meta.url));

export interface NextChunks {
  chunks: number[];
  hasMore: boolean;
  /** The share of the workers that the tenant had when it posted the batch, relative to other tenants. */
  weight: number;
}

/** Takes the next chunks of a batch, so that `window` of its chunks wait in the queue. */
export async function takeNextChunks(redis: Redis, id: string, window: number): Promise<NextChunks> {
  const { batch, waiting } = batchKeys(redis, id);
  const reply = await script(redis, [batch, waiting], [window]);
  const [left, weight, ...chunks] = reply as [left: number, weight: Buffer, ...chunks: number[]];
  return { chunks, hasMore: left === 1, weight: Number(weight) };
}
