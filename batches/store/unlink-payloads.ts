import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { chunkItems } from './chunk-sizes.ts';
import { itemsPerSegment } from './score-index.ts';

/** Removes the payloads, the embeddings and the index of scores of a batch from Redis. */
export async function unlinkPayloads(redis: Redis, id: string): Promise<void> {
  const { input, output, scores, embeddings } = batchKeys(redis, id);
  // The hashes with payloads are numbered without gaps, so the first missing number is the end. They are removed in
  // descending order. If the removal is interrupted, the remaining hashes still have no gaps.
  let hashes = 0;
  while ((await redis.exists(input(hashes * chunksPerHash))) === 1) hashes++;
  // The record has already been deleted, so the number of items is unknown. This is the maximum number of segments
  // (Redis strings) that the index of scores can have.
  const segments = Math.ceil((hashes * chunksPerHash * chunkItems) / itemsPerSegment);
  for (let segment = 0; segment < segments; segment++) await redis.unlink(scores(segment));
  for (let hash = hashes - 1; hash >= 0; hash--) {
    const chunk = hash * chunksPerHash;
    await redis.unlink(embeddings('image', chunk), embeddings('text', chunk), output(chunk), input(chunk));
  }
}
