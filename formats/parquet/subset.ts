import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { boundedCompressors } from './bounded-compressors.ts';
import { checkMetadata } from './bounds.ts';
import { unreadable } from './faults.ts';

/**
 * The maximum size in bytes of the rows that are read at a time. It is also the maximum size of the rows in memory
 * before a row group is written.
 */
const heldBytes = 32 * 1024 * 1024;

/**
 * Copies some rows of a Parquet file to a new Parquet file, and yields its bytes. The new file has the columns, types,
 * metadata and row order of the original. A row group of the original becomes one or more row groups. Pages are
 * compressed with snappy.
 * @param isKept returns true for the index of each row to copy.
 * @throws {ServiceError} `request.invalid` for a file that cannot be read as Parquet, or that has a map or a column of
 * the type INT96.
 */
export async function* subsetOfParquet(path: string, isKept: (index: number) => boolean): AsyncGenerator<Uint8Array> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  checkMetadata(metadata);
  const old = metadata.schema.find(({ type }) => type === 'INT96');
  if (old !== undefined) throw unreadable(`its column ${old.name} has the old type INT96, which cannot be written`);
  // The reader converts a map to an object with text keys, so its original keys are lost.
  const map = metadata.schema.find((each) => /^MAP/.test(each.converted_type ?? each.logical_type?.type ?? ''));
  if (map !== undefined) throw unreadable(`its column ${map.name} is a map, which cannot be written`);
  // The converted types are removed, so that values are copied in their stored form and nothing is rounded.
  const stored = { ...metadata, schema: metadata.schema.map(storedElement) };
  const names = parquetSchema(stored).children.map(({ element }) => element.name);

  const writer = new ByteWriter();
  const target = new ParquetWriter({
    writer,
    schema: stored.schema,
    // Statistics are not written: minimum and maximum depend on the converted type, which was removed.
    statistics: false,
    ...(metadata.key_value_metadata && { kvMetadata: metadata.key_value_metadata }),
    createdBy: 'vision-language-similarity',
  });
  const take = (): Uint8Array => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  let held = names.map((name) => ({ name, data: [] as unknown[] }));
  let count = 0;
  const flush = () => {
    if (count > 0) void target.write({ columnData: held as ColumnSource[], rowGroupSize: count });
    held = names.map((name) => ({ name, data: [] }));
    count = 0;
    return take();
  };

  let row = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const rowBytes = Math.max(1, Number(group.total_byte_size) / Math.max(1, rows));
    const step = Math.min(65_536, Math.max(64, Math.floor(heldBytes / rowBytes)));
    const groupEnd = row + rows;
    while (row < groupEnd) {
      const rowEnd = Math.min(row + step, groupEnd);
      if (hasKept(isKept, row, rowEnd)) {
        const read = { file, metadata: stored, compressors: boundedCompressors, utf8: false, useOffsetIndex: true };
        const records = await parquetReadObjects({ ...read, columns: names, rowStart: row, rowEnd });
        for (const [at, record] of records.entries()) {
          if (!isKept(row + at)) continue;
          for (const { name, data } of held) data.push(record[name]);
          count++;
        }
      }
      row = rowEnd;
      if (count * rowBytes >= heldBytes) yield flush();
    }
    yield flush();
  }
  target.schema = metadata.schema.map(writtenElement);
  void target.finish();
  yield take();
}

function hasKept(isKept: (index: number) => boolean, from: number, end: number): boolean {
  for (let row = from; row < end; row++) if (isKept(row)) return true;
  return false;
}

/**
 * Returns a schema element without its converted type, so that values are read and written without conversion. Groups
 * are returned unchanged.
 */
function storedElement(element: FileMetaData['schema'][number]): FileMetaData['schema'][number] {
  const { converted_type, logical_type, scale, precision, ...stored } = element;
  return element.type === undefined ? element : stored;
}

/**
 * Returns a schema element in the form in which it is written. The logical type INTEGER is replaced by the equivalent
 * converted type, because the library writes the width of the logical type in a field of the wrong size, and other
 * programs could not read the file.
 */
function writtenElement(element: FileMetaData['schema'][number]): FileMetaData['schema'][number] {
  const { logical_type: logical, ...written } = element;
  if (logical?.type !== 'INTEGER') return element;
  const converted = `${logical.isSigned ? 'INT' : 'UINT'}_${logical.bitWidth}` as NonNullable<
    typeof element.converted_type
  >;
  return { ...written, converted_type: converted };
}
