import { ServiceError } from '../../../shared/errors.ts';
import type { BatchRecord } from '../../store/record.ts';
import type { Source } from '../read-chunks.ts';
import { readChunkIndex } from './chunk-index.ts';
import { readSegments } from './segments.ts';

/** The entries of some items in the index of scores of one batch, and of the same items in that of another batch. */
export interface PairedSegment {
  /** The index of the first of these items. */
  first: number;
  entries: Uint32Array;
  otherEntries: Uint32Array;
}

/**
 * Checks that two batches can have the same items: the numbers of items must be equal. If a batch is from an older
 * release, completes its index of scores.
 * @throws {ServiceError} `request.invalid` when the batches have different numbers of items.
 */
export async function preparePair(source: Source, batch: BatchRecord, other: BatchRecord): Promise<void> {
  if (batch.total !== other.total) {
    const message = `Batch ${other.id} has ${other.total} items and this one ${batch.total}; only batches of the same items can be compared`;
    throw new ServiceError('request.invalid', message, { faults: [{ path: 'other', message }] });
  }
  await readChunkIndex(source, batch);
  await readChunkIndex(source, other);
}

/** Reads the indexes of scores of two batches, a few segments at a time. */
export async function* readPairedSegments(
  source: Source,
  batch: BatchRecord,
  other: BatchRecord,
): AsyncGenerator<PairedSegment> {
  const others = readSegments(source, other);
  for await (const { first, entries } of readSegments(source, batch)) {
    const next = await others.next();
    if (next.done) return;
    yield { first, entries, otherEntries: next.value.entries };
  }
}
