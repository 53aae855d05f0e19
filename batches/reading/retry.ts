import type { ItemResult } from '../../shared/contracts/item.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';
import type { BatchRecord } from '../store/record.ts';
import { readChunks, type Source } from './read-chunks.ts';

const chunksPerRead = 4;

/**
 * Yields the items with one of the given outcomes, in index order. `retryOfIndex` is the index in the given batch.
 * @param onlyRetryable true leaves out failed items that would certainly fail again.
 */
export async function* retriedItems(
  source: Source,
  batch: BatchRecord,
  statuses: readonly ItemResult['status'][],
  onlyRetryable: boolean,
): AsyncGenerator<StoredItem[]> {
  const isWanted = (result: ItemResult) =>
    statuses.includes(result.status) && !(onlyRetryable && result.status === 'failed' && !result.error.retryable);
  for (let from = 0; from < batch.chunks; from += chunksPerRead) {
    const count = Math.min(chunksPerRead, batch.chunks - from);
    const numbers = Array.from({ length: count }, (_, at) => from + at);
    for (const chunk of await readChunks(source, batch, numbers, true)) {
      if (chunk === undefined || chunk.items.length === 0)
        throw new ServiceError('batch.input_expired', 'The items of this batch are no longer stored');
      yield chunk.results.flatMap((result, at) => {
        const item = chunk.items[at];
        return isWanted(result) && item !== undefined ? [{ ...item, retryOfIndex: result.index }] : [];
      });
    }
  }
}
