import {
  type AsyncBuffer,
  type CompressionCodec,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';

/**
 * The first rows of a Parquet file. This module also runs in browsers, so it imports nothing from Node, and
 * decompressors only on demand.
 */
export interface FirstRows {
  columns: string[];
  /** The stored values of each row. Texts and binary values are bytes. Unread values are undefined. */
  rows: unknown[][];
  /** The number of rows in the whole file. */
  total: number;
  /** Why values were not read; undefined when all were. */
  unread: string | undefined;
}

/**
 * The maximum compressed size in bytes of a column in the first row group. Most files allow only a whole column to be
 * read, so larger ones are skipped.
 */
const maxColumnBytes = 48 * 1024 * 1024;

/** @throws {Error} for a damaged file. */
export async function readFirstRows(file: AsyncBuffer, count: number): Promise<FirstRows> {
  const metadata = await parquetMetadataAsync(file);
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  const total = Number(metadata.num_rows);
  const sizes = sizesOf(metadata);
  const read = columns.filter((column) => (sizes.get(column) ?? 0) <= maxColumnBytes);
  const large = columns.filter((column) => !read.includes(column));
  const compressors = await compressorsOf(metadata, read);
  if (typeof compressors === 'string') {
    return {
      columns,
      rows: [],
      total,
      unread: `The rows are compressed with ${compressors}, which this page cannot read.`,
    };
  }
  const rows =
    total === 0 || read.length === 0
      ? []
      : await parquetReadObjects({
          file,
          metadata,
          columns: read,
          rowStart: 0,
          rowEnd: Math.min(count, total),
          utf8: false,
          useOffsetIndex: true,
          ...(compressors !== undefined && { compressors }),
        });
  return {
    columns,
    rows: rows.map((row) => columns.map((column) => row[column])),
    total,
    unread: large.length === 0 ? undefined : `The values of ${large.join(', ')} are too large to be shown.`,
  };
}

function sizesOf({ row_groups: groups }: FileMetaData): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { meta_data: data } of groups[0]?.columns ?? []) {
    const column = data?.path_in_schema[0] ?? '';
    sizes.set(column, (sizes.get(column) ?? 0) + Number(data?.total_compressed_size ?? 0));
  }
  return sizes;
}

/** The compression codecs that hyparquet supports by itself. */
const builtIn: readonly CompressionCodec[] = ['UNCOMPRESSED', 'SNAPPY'];

/**
 * Returns the decompressors that the columns need, undefined for none, or the name of an unsupported codec. Brotli is
 * unsupported: its dictionary is larger than the whole web page.
 */
async function compressorsOf({ row_groups: groups }: FileMetaData, columns: readonly string[]) {
  const used = new Set(
    (groups[0]?.columns ?? []).flatMap(({ meta_data: data }) =>
      data !== undefined && columns.includes(data.path_in_schema[0] ?? '') ? [data.codec] : [],
    ),
  );
  const needed = [...used].filter((codec) => !builtIn.includes(codec));
  if (needed.length === 0) return undefined;
  const { decompressGzip, decompressLz4, decompressLz4Raw, decompressZstd } = await import('hyparquet-compressors');
  const compressors: Compressors = {
    GZIP: decompressGzip,
    LZ4: decompressLz4,
    LZ4_RAW: decompressLz4Raw,
    ZSTD: (input) => decompressZstd(input),
  };
  return needed.find((codec) => compressors[codec] === undefined) ?? compressors;
}
