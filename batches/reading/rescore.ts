import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';
import type { BatchRecord } from '../store/record.ts';
import { withOtherTexts } from './other-texts.ts';
import { readChunks, type Source } from './read-chunks.ts';

const chunksPerRead = 4;

export interface Rescored {
  /** `own`: each image keeps its text. `others`: each image gets the text of another row. */
  texts: 'own' | 'others';
  /** The number of items to take, spread over the batch. Default: all items. */
  sample?: number | undefined;
}

/**
 * Yields the items of a batch for another evaluation, in index order. Without a sample each item keeps its index,
 * since items that could not be read are included.
 */
export async function* rescoredItems(
  source: Source,
  batch: BatchRecord,
  { texts, sample = batch.total }: Rescored,
): AsyncGenerator<StoredItem[]> {
  const chunks = sampledChunks(batch, sample);
  const items = readItems(source, batch, chunks);
  const chosen = texts === 'own' ? items : withOtherTexts(items, () => readItems(source, batch, rotated(chunks)));
  let left = sample;
  for await (const some of chosen) {
    yield some.slice(0, left);
    left -= Math.min(left, some.length);
    if (left === 0) return;
  }
}

/** Returns the numbers of the chunks that contain about `sample` items, spread evenly over the batch. */
function sampledChunks({ chunks, total }: BatchRecord, sample: number): number[] {
  const wanted = Math.min(chunks, Math.ceil((sample / Math.max(1, total)) * chunks * 1.1) + 2);
  const all = Array.from({ length: chunks }, (_, chunk) => chunk);
  if (sample >= total) return all;
  // The small chunks at the start of a batch would make a sample of chunks too short. Their share of items is the
  // same as that of the sample, and no more.
  return all.filter((chunk) => Math.floor(((chunk + 1) * wanted) / chunks) > Math.floor((chunk * wanted) / chunks));
}

/**
 * Begins a list of chunks at a place far from its start, because neighbouring rows often have the same image or similar
 * texts.
 */
function rotated(chunks: readonly number[]): number[] {
  const from = Math.floor(chunks.length * 0.382);
  return [...chunks.slice(from), ...chunks.slice(0, from)];
}

async function* readItems(source: Source, batch: BatchRecord, chunks: readonly number[]): AsyncGenerator<StoredItem[]> {
  for (let from = 0; from < chunks.length; from += chunksPerRead) {
    const numbers = chunks.slice(from, from + chunksPerRead);
    for (const chunk of await readChunks(source, batch, numbers, true)) {
      if (chunk === undefined || chunk.items.length === 0) {
        throw new ServiceError('batch.input_expired', 'The items of this batch are no longer stored');
      }
      yield chunk.items.map(({ retryOfIndex: _, ...item }) => item);
    }
  }
}
