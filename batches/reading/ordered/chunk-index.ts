import { terminalStates } from '../../../shared/contracts/batch/status.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { bitReader } from '../../store/bitmap.ts';
import { indexChunk } from '../../store/index-chunk.ts';
import type { BatchRecord } from '../../store/record.ts';
import { numbersOf } from '../../store/score-index.ts';
import { type ChunkIndex, knownAs } from '../known-indexes.ts';
import { readChunks, type Source } from '../read-chunks.ts';

/** The number of chunks of older releases that are added to the score index at a time. */
const chunksPerRead = 4;

/** Reads which chunks of a batch have results. First adds chunks of older releases to the score index. */
export async function readChunkIndex(source: Source, batch: BatchRecord): Promise<ChunkIndex> {
  const { redis, known } = source;
  const knownKey = knownAs(batch);
  const remembered = knownKey === undefined ? undefined : known?.chunks.get(knownKey);
  if (remembered !== undefined) return remembered;
  const keys = batchKeys(redis, batch.id);
  // Read before the offsets, so that a chunk committed between the two reads does not seem to be missing there.
  const isDone = bitReader(await redis.getBuffer(keys.done));
  let offsets = numbersOf(await redis.getBuffer(keys.offsets));
  const missing: number[] = [];
  for (let chunk = 0; chunk < batch.chunks; chunk++) if (isDone(chunk) && !offsets[chunk]) missing.push(chunk);
  for (let from = 0; from < missing.length; from += chunksPerRead) {
    const chunks = missing.slice(from, from + chunksPerRead);
    const read = await readChunks(source, batch, chunks);
    await Promise.all(chunks.map((chunk, at) => indexChunk(redis, batch.id, chunk, read[at]?.results ?? [])));
  }
  if (missing.length > 0) offsets = numbersOf(await redis.getBuffer(keys.offsets));

  const committed: number[] = [];
  const firsts: number[] = [];
  const cancelled: number[] = [];
  const stopped = terminalStates.has(batch.state);
  for (let chunk = 0; chunk < batch.chunks; chunk++) {
    const offset = offsets[chunk] ?? 0;
    if (offset > 0) {
      committed.push(chunk);
      firsts.push(offset - 1);
    } else if (stopped && !isDone(chunk)) cancelled.push(chunk);
  }
  const index = { committed: Uint32Array.from(committed), firsts: Uint32Array.from(firsts), cancelled };
  if (knownKey !== undefined) known?.chunks.set(knownKey, index);
  return index;
}

/** Returns the position in `firsts` of the chunk that contains an item. */
export function placeOf({ firsts }: Pick<ChunkIndex, 'firsts'>, index: number): number {
  let low = 0;
  let high = firsts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((firsts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}
