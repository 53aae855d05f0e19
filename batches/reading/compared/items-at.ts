import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { StoredItem } from '../../store/payload.ts';
import type { BatchRecord } from '../../store/record.ts';
import { placeOf, readChunkIndex } from '../ordered/chunk-index.ts';
import { readChunks, type Source } from '../read-chunks.ts';

/** Small, because a chunk may contain inline images. */
const chunksPerRead = 8;

export interface StoredPair {
  result: ItemResult;
  /** Absent when the stored items of the batch were lost. */
  item: StoredItem | undefined;
}

/** Returns the items with these indexes that have an outcome, with their results. */
export async function readPairsAt(
  source: Source,
  batch: BatchRecord,
  indexes: readonly number[],
): Promise<Map<number, StoredPair>> {
  const index = await readChunkIndex(source, batch);
  const found = new Map<number, StoredPair>();
  const places = [...Map.groupBy(indexes, (item) => placeOf(index, item))];
  for (let from = 0; from < places.length; from += chunksPerRead) {
    const some = places.slice(from, from + chunksPerRead);
    const chunks = some.map(([place]) => index.committed[place] ?? 0);
    const read = await readChunks(source, batch, chunks, true);
    for (const [at, [place, wanted]] of some.entries()) {
      for (const item of wanted) {
        const offset = item - (index.firsts[place] ?? 0);
        const result = read[at]?.results[offset];
        if (result !== undefined) found.set(item, { result, item: read[at]?.items[offset] });
      }
    }
  }
  return found;
}

export async function readItemsAt(
  source: Source,
  batch: BatchRecord,
  indexes: readonly number[],
): Promise<Map<number, StoredItem>> {
  const pairs = await readPairsAt(source, batch, indexes);
  return new Map([...pairs].flatMap(([index, { item }]) => (item === undefined ? [] : [[index, item]])));
}
