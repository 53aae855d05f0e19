import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { readBody } from '../../formats/body.ts';
import { receiptKey, receiptOf, subsetOfParquetStream } from '../../formats/parquet.ts';
import { subsetOfTar } from '../../formats/tar.ts';
import { formatOfFile } from '../../shared/formats.ts';
import { parseS3Location } from '../../shared/s3-location.ts';
import type { KeptItems } from '../reading/ordered/kept.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { BatchRecord } from '../store/record.ts';

/**
 * Reads the input of a batch again, and yields a file with its kept samples, a tar or Parquet. A tar keeps one sample
 * in memory; Parquet keeps a part of a row group, in another process.
 * @throws {ServiceError} `storage.not_found`, `storage.changed` when the input is not the object that was scored.
 */
export async function* keptSamplesOf(
  objects: ObjectStore,
  batch: BatchRecord,
  kept: KeptItems,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { input = '', inputEtag = '', tenant } = batch;
  const place = parseS3Location(input);
  if (place === undefined) throw new Error(`${input} is not an address in a bucket`);
  const source = Readable.from(objects.read(place, inputEtag, signal), { objectMode: false });
  try {
    const { bytes } = readBody(source);
    const file = formatOfFile(input);
    if (file?.format.name === 'parquet') {
      yield* subsetOfParquetStream(bytes, kept.bits, receiptOfKept(batch, kept), { owner: tenant, signal });
    } else {
      const subset = subsetOfTar(bytes, kept.isKept);
      yield* file?.isGzip ? compressed(subset) : subset;
    }
  } finally {
    // Closes the connection, also when the caller stops early.
    source.destroy();
  }
}

/** Returns the Parquet metadata that states which model selected the rows, and from which score. */
function receiptOfKept(batch: BatchRecord, { count, threshold }: KeptItems): Record<string, string> {
  return { [receiptKey]: receiptOf(batch, { kept: { ...batch.keep, threshold, rows: count } }) };
}

async function* compressed(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const plain = Readable.from(parts, { objectMode: false });
  const gzip = createGzip();
  plain.on('error', (error) => gzip.destroy(error));
  yield* plain.pipe(gzip) as AsyncIterable<Buffer>;
}
