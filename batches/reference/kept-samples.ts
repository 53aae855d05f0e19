import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { readBody } from '../../formats/body.ts';
import { subsetOfTar } from '../../formats/tar.ts';
import { formatOfFile } from '../../shared/formats.ts';
import { parseS3Location } from '../../shared/s3-location.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { BatchRecord } from '../store/record.ts';

/**
 * Yields the bytes of a tar with the kept samples of a batch, whose input is read again. It is compressed if the input
 * is. One sample at a time is in memory.
 * @throws {ServiceError} `storage.not_found`, `storage.changed` when the input is not the object that was scored.
 */
export async function* keptSamplesOf(
  objects: ObjectStore,
  { input = '', inputEtag = '' }: BatchRecord,
  isKept: (index: number) => boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const place = parseS3Location(input);
  if (place === undefined) throw new Error(`${input} is not an address in a bucket`);
  const source = Readable.from(objects.read(place, inputEtag, signal), { objectMode: false });
  try {
    const subset = subsetOfTar(readBody(source).bytes, isKept);
    yield* formatOfFile(input)?.isGzip ? compressed(subset) : subset;
  } finally {
    // This closes the connection, also when writing has ended early.
    source.destroy();
  }
}

async function* compressed(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const plain = Readable.from(parts, { objectMode: false });
  const gzip = createGzip();
  plain.on('error', (error) => gzip.destroy(error));
  yield* plain.pipe(gzip) as AsyncIterable<Buffer>;
}
