import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { chunkItems } from './chunk-sizes.ts';
import { itemsPerSegment } from './score-index.ts';

/** Removes the payloads, the embeddings and the score index of a batch from Redis. */
export async function unlinkPayloads(redis: Redis, id: string): Promise<void> {
  const { input, output, scores, embeddings } = batchKeys(redis, id);
  // The hashes are numbered without gaps, so the first missing one is the end. Removal in descending order leaves no
  // gaps when it is interrupted.
  let hashes = 0;
  while ((await redis.exists(input(hashes * chunksPerHash))) === 1) hashes++;
  // The maximum possible, because the record with the number of items has been deleted.
  const segments = Math.ceil((hashes * chunksPerHash * chunkItems) / itemsPerSegment);
  for (let segment = 0; segment < segments; segment++) await redis.unlink(scores(segment));
  for (let hash = hashes - 1; hash >= 0; hash--) {
    const chunk = hash * chunksPerHash;
    await redis.unlink(embeddings('image', chunk), embeddings('text', chunk), output(chunk), input(chunk));
  }
}
