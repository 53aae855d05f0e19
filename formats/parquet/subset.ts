import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { boundedCompressors } from './bounded-compressors.ts';
import { checkCopyable, checkGroup, checkMetadata } from './bounds.ts';

/**
 * The maximum size in bytes of the rows that are read at a time. It is also the maximum size of the rows in memory
 * before a row group is written.
 */
const heldBytes = 32 * 1024 * 1024;

export interface SubsetOptions {
  /** Entries that are added to the metadata of the file. They replace entries of the same name. */
  metadata?: Readonly<Record<string, string>>;
  /** True for a file of an unknown author: a row group that does not fit into memory is refused before it is read. */
  isBounded?: boolean;
}

/**
 * Copies some rows of a Parquet file to a new Parquet file, and yields its bytes. The new file has the columns, types,
 * metadata and row order of the original. A row group of the original becomes one or more row groups. Pages are
 * compressed with snappy.
 * @param isKept returns true for the index of each row to copy.
 * @throws {ServiceError} `request.invalid` for a file that cannot be read as Parquet, or that has a map or a column of
 * the type INT96.
 */
export async function* subsetOfBuffer(
  file: AsyncBuffer,
  isKept: (index: number) => boolean,
  { metadata: added = {}, isBounded = false }: SubsetOptions = {},
): AsyncGenerator<Uint8Array> {
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  checkMetadata(metadata);
  checkCopyable(metadata);
  // The converted types are removed, so that values are copied in their stored form and nothing is rounded.
  const stored = { ...metadata, schema: metadata.schema.map(storedElement) };
  const names = parquetSchema(stored).children.map(({ element }) => element.name);
  const entries = [
    ...(metadata.key_value_metadata ?? []).filter(({ key }) => !Object.hasOwn(added, key)),
    ...Object.entries(added).map(([key, value]) => ({ key, value })),
  ];

  const writer = new ByteWriter();
  const target = new ParquetWriter({
    writer,
    schema: stored.schema,
    // Statistics are not written: minimum and maximum depend on the converted type, which was removed.
    statistics: false,
    ...(entries.length > 0 && { kvMetadata: entries }),
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
    if (isBounded) checkGroup(group, names, row);
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

/** Yields a part of a local file, as {@link subsetOfBuffer} does. */
export async function* subsetOfParquet(path: string, isKept: (index: number) => boolean): AsyncGenerator<Uint8Array> {
  yield* subsetOfBuffer(await asyncBufferFromFile(path), isKept);
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
 * Returns a schema element in the form in which it is written. The equivalent converted type replaces the logical type
 * INTEGER. The library writes the width of this logical type in a field of the wrong size, and other programs could not
 * read the file.
 */
function writtenElement(element: FileMetaData['schema'][number]): FileMetaData['schema'][number] {
  const { logical_type: logical, ...written } = element;
  if (logical?.type !== 'INTEGER') return element;
  const converted = `${logical.isSigned ? 'INT' : 'UINT'}_${logical.bitWidth}` as NonNullable<
    typeof element.converted_type
  >;
  return { ...written, converted_type: converted };
}
