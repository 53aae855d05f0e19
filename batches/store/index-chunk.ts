import type { ItemResult } from '../../shared/contracts/item.ts';
import { loadScript } from '../../shared/lua.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { entriesOf, itemsPerSegment, offsetEntry } from './score-index.ts';

const script = loadScript(new URL('./index-chunk.lua', import.meta.url));

/** Returns the keys and arguments with which a script writes the scores of a chunk; see write-scores.lua. */
export function scoreArguments(redis: Redis, id: string, results: readonly ItemResult[]) {
  const keys = batchKeys(redis, id);
  const parts = entriesOf(results);
  return {
    keys: [keys.offsets, ...parts.map(({ segment }) => keys.scores(segment / itemsPerSegment))],
    values: [
      offsetEntry(results[0]?.index ?? 0),
      itemsPerSegment,
      ...parts.flatMap(({ segment, at, bytes }) => [segment, at, bytes]),
    ],
  };
}

/** Adds a committed chunk of an older release to the score index. Safe to repeat. */
export async function indexChunk(
  redis: Redis,
  id: string,
  chunk: number,
  results: readonly ItemResult[],
): Promise<void> {
  const { keys, values } = scoreArguments(redis, id, results);
  await script(redis, [batchKeys(redis, id).batch, ...keys], [chunk, ...values]);
}
