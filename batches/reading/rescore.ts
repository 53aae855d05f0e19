import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';
import type { BatchRecord } from '../store/record.ts';
import { withOtherTexts } from './other-texts.ts';
import { readChunks, type Source } from './read-chunks.ts';

const chunksPerRead = 4;

export interface Rescored {
  /** `own`: each image keeps its text. `others`: each image gets the text of another row. */
  texts: 'own' | 'others';
  /** The number of items, spread evenly over the batch. Default: all. */
  sample?: number | undefined;
}

/**
 * Yields the items of a batch in index order. Unreadable items are included, so that without a sample each item keeps
 * its index.
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

/** Returns chunks, spread evenly over the batch, that together contain about `sample` items. */
function sampledChunks({ chunks, total }: BatchRecord, sample: number): number[] {
  const wanted = Math.min(chunks, Math.ceil((sample / Math.max(1, total)) * chunks * 1.1) + 2);
  const all = Array.from({ length: chunks }, (_, chunk) => chunk);
  if (sample >= total) return all;
  // Equal distances: the first chunks of a batch are smaller, and they get the same share of the sample as of the batch.
  return all.filter((chunk) => Math.floor(((chunk + 1) * wanted) / chunks) > Math.floor((chunk * wanted) / chunks));
}

/**
 * Starts the list elsewhere. Near rows often have the same image or similar texts, so a wrong pair needs a distant row.
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
