import { Readable } from 'node:stream';
import { readBody } from '../../formats/body.ts';
import { readItems } from '../../formats/index.ts';
import type { HeldBytes } from '../../shared/fair-bytes.ts';
import { formatOfFile } from '../../shared/formats.ts';
import type { S3Location } from '../../shared/s3-location.ts';
import { boundBadItems } from '../intake/bad-items.ts';
import type { ItemSource } from '../intake/item-source.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Reading } from '../store/record.ts';

/**
 * Reads the items in an object of a bucket like those of an upload.
 * @param model the name of the requested or default model.
 * @param isCopied true when the batch writes the selected items in the form of the input.
 * @param pending limits the memory of incomplete lines; released at the end.
 * @throws {ServiceError} `storage.*`, `request.*`
 */
export async function* itemsOfObject(
  objects: ObjectStore,
  place: S3Location,
  etag: string,
  { columns, delimiter, encoding, strictness }: Reading,
  signal: AbortSignal,
  pending: HeldBytes,
  owner: string,
  model: string | undefined,
  isCopied: boolean,
): ItemSource {
  const format = formatOfFile(place.key)?.format;
  if (format === undefined) throw new Error(`The name ${place.key} does not have the ending of a known format`);
  const source = Readable.from(objects.read(place, etag, signal), { objectMode: false });
  try {
    const { bytes, sent, hash } = readBody(source);
    const read = { columns, model, delimiter, encoding, strictness, isCopied, sent, pending, owner, signal };
    const file = readItems(format.name, bytes, read);
    yield* boundBadItems(file.items, sent);
    return { header: file.header(), bodyHash: hash };
  } finally {
    pending.release();
    // Closes the connection, also when the caller stops early.
    source.destroy();
  }
}
