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

/** The maximum bytes of rows that are read at a time, and that are held in memory until a row group is written. */
const heldBytes = 32 * 1024 * 1024;

export interface SubsetOptions {
  /** Entries that are added to the metadata, or replace entries of the same name. */
  metadata?: Readonly<Record<string, string>>;
  /** True for a file of an unknown author: row groups that do not fit into memory are refused. */
  isBounded?: boolean;
}

/**
 * Copies some rows to a new Parquet file with the same columns, types, metadata and row order, and yields its bytes.
 * Row groups may be split.
 * @param isKept returns true for the index of each row to copy.
 * @throws {ServiceError} `request.invalid` for a file that cannot be read as Parquet, or that has a map or an INT96
 * column.
 */
export async function* subsetOfBuffer(
  file: AsyncBuffer,
  isKept: (index: number) => boolean,
  { metadata: added = {}, isBounded = false }: SubsetOptions = {},
): AsyncGenerator<Uint8Array> {
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  checkMetadata(metadata);
  checkCopyable(metadata);
  // Without converted types, values are copied as stored and nothing is rounded.
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
    // Readers order minimum and maximum by the column's converted type, which the schema no longer has.
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

/** Yields some rows of a local file, as {@link subsetOfBuffer} does. */
export async function* subsetOfParquet(path: string, isKept: (index: number) => boolean): AsyncGenerator<Uint8Array> {
  yield* subsetOfBuffer(await asyncBufferFromFile(path), isKept);
}

function hasKept(isKept: (index: number) => boolean, from: number, end: number): boolean {
  for (let row = from; row < end; row++) if (isKept(row)) return true;
  return false;
}

/** Removes an element's converted type, so that its values are copied without conversion. Groups stay unchanged. */
function storedElement(element: FileMetaData['schema'][number]): FileMetaData['schema'][number] {
  const { converted_type, logical_type, scale, precision, ...stored } = element;
  return element.type === undefined ? element : stored;
}

/**
 * Replaces the logical type INTEGER by the equivalent converted type. The library writes its width in a field of the
 * wrong size, which other programs could not read.
 */
function writtenElement(element: FileMetaData['schema'][number]): FileMetaData['schema'][number] {
  const { logical_type: logical, ...written } = element;
  if (logical?.type !== 'INTEGER') return element;
  const converted = `${logical.isSigned ? 'INT' : 'UINT'}_${logical.bitWidth}` as NonNullable<
    typeof element.converted_type
  >;
  return { ...written, converted_type: converted };
}
