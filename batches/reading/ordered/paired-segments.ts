import { ServiceError } from '../../../shared/errors.ts';
import type { BatchRecord } from '../../store/record.ts';
import type { Source } from '../read-chunks.ts';
import { readChunkIndex } from './chunk-index.ts';
import { readSegments } from './segments.ts';

/** The score index entries of the same items in two batches. */
export interface PairedSegment {
  first: number;
  entries: Uint32Array;
  otherEntries: Uint32Array;
}

/**
 * Checks that two batches can have the same items, and completes the score index of batches from older releases.
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
