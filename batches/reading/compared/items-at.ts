import type { StoredItem } from '../../store/payload.ts';
import type { BatchRecord } from '../../store/record.ts';
import { placeOf, readChunkIndex } from '../ordered/chunk-index.ts';
import { readChunks, type Source } from '../read-chunks.ts';

/** Reads the items with the given indexes. */
export async function readItemsAt(
  source: Source,
  batch: BatchRecord,
  indexes: readonly number[],
): Promise<Map<number, StoredItem>> {
  const index = await readChunkIndex(source, batch);
  const found = new Map<number, StoredItem>();
  for (const [place, wanted] of Map.groupBy(indexes, (item) => placeOf(index, item))) {
    const [chunk] = await readChunks(source, batch, [index.committed[place] ?? 0], true);
    for (const item of wanted) {
      const stored = chunk?.items[item - (index.firsts[place] ?? 0)];
      if (stored !== undefined) found.set(item, stored);
    }
  }
  return found;
}
