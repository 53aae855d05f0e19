import type { StoredItem } from '../../store/payload.ts';
import type { BatchRecord } from '../../store/record.ts';
import { placeOf, readChunkIndex } from '../ordered/chunk-index.ts';
import { readChunks, type Source } from '../read-chunks.ts';

/** Small, because a chunk may contain inline images. */
const chunksPerRead = 8;

export async function readItemsAt(
  source: Source,
  batch: BatchRecord,
  indexes: readonly number[],
): Promise<Map<number, StoredItem>> {
  const index = await readChunkIndex(source, batch);
  const found = new Map<number, StoredItem>();
  const places = [...Map.groupBy(indexes, (item) => placeOf(index, item))];
  for (let from = 0; from < places.length; from += chunksPerRead) {
    const some = places.slice(from, from + chunksPerRead);
    const chunks = some.map(([place]) => index.committed[place] ?? 0);
    const read = await readChunks(source, batch, chunks, true);
    for (const [at, [place, wanted]] of some.entries()) {
      for (const item of wanted) {
        const stored = read[at]?.items[item - (index.firsts[place] ?? 0)];
        if (stored !== undefined) found.set(item, stored);
      }
    }
  }
  return found;
}
