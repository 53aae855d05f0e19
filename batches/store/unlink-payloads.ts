import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/** Removes the payloads of a batch from Redis. */
export async function unlinkPayloads(redis: Redis, id: string): Promise<void> {
  const { input, output } = batchKeys(redis, id);
  // The hashes have no gap, so the first absent one ends them. They are removed from the last to the first: what an
  // interruption leaves is then found from the first.
  let hashes = 0;
  while ((await redis.exists(input(hashes * chunksPerHash))) === 1) hashes++;
  for (let hash = hashes - 1; hash >= 0; hash--) {
    await redis.unlink(input(hash * chunksPerHash), output(hash * chunksPerHash));
  }
}
