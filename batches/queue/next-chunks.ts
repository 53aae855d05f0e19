import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./next-chunks.lua', import.meta.url));

/** Chunks that move into the queue. */
export interface NextChunks {
  chunks: number[];
  /** Chunks of the batch are left for later. */
  hasMore: boolean;
  /** Weight of the tenant when the batch was posted. */
  weight: number;
}

/** Takes the next chunks of a batch out of its order, so that `window` of them wait in the queue. */
export async function takeNextChunks(redis: Redis, id: string, window: number): Promise<NextChunks> {
  const { batch, waiting } = batchKeys(redis, id);
  const reply = await script(redis, [batch, waiting], [window]);
  const [left, weight, ...chunks] = reply as [left: number, weight: Buffer, ...chunks: number[]];
  return { chunks, hasMore: left === 1, weight: Number(weight) };
}
