import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/** Removes what Redis keeps of a batch's payloads. */
export async function unlinkPayloads(redis: Redis, id: string): Promise<void> {
  const { input, output } = batchKeys(redis, id);
  // They are without a gap, so the first absent one ends them. From the back: what is left after an interruption is still
  // found from the front.
  let hashes = 0;
  while ((await redis.exists(input(hashes * chunksPerHash))) === 1) hashes++;
  for (let hash = hashes - 1; hash >= 0; hash--) {
    await redis.unlink(input(hash * chunksPerHash), output(hash * chunksPerHash));
  }
}
