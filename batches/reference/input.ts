import { Readable } from 'node:stream';
import { readBody } from '../../formats/body.ts';
import type { CsvColumns } from '../../formats/delimited/columns.ts';
import { itemsOfCsv } from '../../formats/delimited/reader.ts';
import { formatOfName } from '../../formats/names.ts';
import { itemsOfNdjson } from '../../formats/ndjson.ts';
import type { S3Place } from '../../shared/s3-place.ts';
import { boundBadItems } from '../intake/bad-items.ts';
import type { Objects } from '../store/objects.ts';
import type { StoredItem } from '../store/payload.ts';
import type { BatchOptions, Reading } from '../store/record.ts';

/**
 * The items of an object, read as those of an upload are.
 * @param options told the columns of CSV once its header is known.
 * @throws {ServiceError} `storage.*`, `request.*`
 */
export async function* itemsOfObject(
  objects: Objects,
  place: S3Place,
  etag: string,
  { columns, delimiter, encoding, strictness }: Reading,
  options: BatchOptions,
  signal: AbortSignal,
): AsyncGenerator<StoredItem[]> {
  const source = Readable.from(objects.read(place, etag, signal), { objectMode: false });
  try {
    const { bytes, sent } = readBody(source);
    if (formatOfName(place.key)?.format === 'csv') {
      const onHeader = (header: string[], found: CsvColumns) => {
        options.columns = header;
        options.columnNames = found;
      };
      yield* boundBadItems(itemsOfCsv(bytes, { columns, delimiter, encoding, strictness, sent, onHeader }), sent);
    } else yield* boundBadItems(itemsOfNdjson(bytes, strictness, { encoding }), sent);
  } finally {
    // Its connection too, when reading has ended early.
    source.destroy();
  }
}
