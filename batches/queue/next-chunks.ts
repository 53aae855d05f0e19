import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./next-chunks.lua', import.meta.url));

/** The chunks of a batch that must be added to the queue. */
export interface NextChunks {
  chunks: number[];
  /** True when the batch has further chunks that are not in the queue. */
  hasMore: boolean;
  /**
   * The weight of the tenant when the batch was posted. It determines the share of the workers that the tenant gets.
   */
  weight: number;
}

/**
 * Takes the next chunks of a batch for the queue: as many as are needed so that `window` chunks of the batch wait
 * there.
 */
export async function takeNextChunks(redis: Redis, id: string, window: number): Promise<NextChunks> {
  const { batch, waiting } = batchKeys(redis, id);
  const reply = await script(redis, [batch, waiting], [window]);
  const [left, weight, ...chunks] = reply as [left: number, weight: Buffer, ...chunks: number[]];
  return { chunks, hasMore: left === 1, weight: Number(weight) };
}
