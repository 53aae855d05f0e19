import {
  type AsyncBuffer,
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { ServiceError } from '../../shared/errors.ts';
import type { ColumnNames, Header, ReadFile, ReadOptions } from '../format.ts';
import { type ReadItem, toReadItem } from '../items.ts';
import { boundedCompressors } from './bounded-compressors.ts';
import { checkCopyable, checkGroup, checkMetadata } from './bounds.ts';
import { unreadable } from './faults.ts';
import { headerOf } from './header.ts';

/** The maximum uncompressed size of the rows decoded at once, in bytes. A row group may have a million rows. */
const sliceBytes = 32 * 1024 * 1024;
/** The maximum number of items in a yielded group, and of base64 characters of its inline images. */
const portion = 256;
const portionBytes = 4 * 1024 * 1024;

/**
 * Reads a Parquet file. An image is an address, a path, bytes, or `{bytes, path}` as in Hugging Face data sets. Other
 * columns with simple values, except bytes, become metadata.
 */
export const readParquetFile: ReadFile = (path, options) => {
  let header: Header | undefined;
  const onHeader = (found: Header) => {
    header = found;
  };
  return { items: itemsOfFile(path, options, onHeader), header: () => header };
};

async function* itemsOfFile(
  path: string,
  options: ReadOptions,
  onHeader: (header: Header) => void,
): AsyncGenerator<ReadItem[]> {
  yield* itemsOfParquet(await asyncBufferFromFile(path), options, onHeader);
}

/**
 * Reads items from a Parquet file.
 * @throws {ServiceError} `request.invalid` for a file that cannot be read as Parquet.
 */
export async function* itemsOfParquet(
  file: AsyncBuffer,
  { strictness, columns: asked, isCopied }: Pick<ReadOptions, 'strictness' | 'columns' | 'isCopied'>,
  onHeader: (header: Header) => void,
): AsyncGenerator<ReadItem[]> {
  const [metadata, header] = await readable(async () => {
    const metadata = await parquetMetadataAsync(file);
    checkMetadata(metadata);
    if (isCopied) checkCopyable(metadata);
    return [metadata, headerOf(metadata, asked)];
  });
  const { names: wanted, columns } = header;
  onHeader(header);
  const copied = isCopied ? parquetSchema(metadata).children.map(({ element }) => element.name) : undefined;
  let row = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    checkGroup(group, copied ?? wanted, row);
    const step = Math.min(65_536, Math.max(64, Math.floor(sliceBytes / (Number(group.total_byte_size) / rows))));
    const groupEnd = row + rows;
    while (row < groupEnd) {
      const rowEnd = Math.min(row + step, groupEnd);
      const slice = await readable(() =>
        parquetReadObjects({
          file,
          metadata,
          compressors: boundedCompressors,
          columns: wanted,
          rowStart: row,
          rowEnd,
          // Columns that are not declared as text stay bytes.
          utf8: false,
          useOffsetIndex: true,
        }),
      );
      if (slice.length < rowEnd - row) throw unreadable(`it ends after row ${row + slice.length} of ${groupEnd}`);
      let items: ReadItem[] = [];
      let bytes = 0;
      for (const [at, record] of slice.entries()) {
        const item = toReadItem(toItem(record, columns), `row ${row + at}`, strictness, columns);
        items.push(item);
        if (typeof item.image === 'object' && 'base64' in item.image) bytes += item.image.base64.length;
        if (items.length < portion && bytes < portionBytes) continue;
        yield items;
        items = [];
        bytes = 0;
      }
      if (items.length > 0) yield items;
      row = rowEnd;
    }
  }
}

/** Converts errors of the Parquet library to service errors: the file is damaged or not Parquet. */
async function readable<Value>(step: () => Promise<Value>): Promise<Value> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof ServiceError ? error : unreadable((error as Error).message, error);
  }
}

/** Converts a row to the fields of an NDJSON line, for `toReadItem`. */
function toItem(row: Record<string, unknown>, columns: ColumnNames): unknown {
  const { [columns.image]: image, [columns.text]: text, [columns.id]: id, ...rest } = row;
  const metadata = Object.fromEntries(
    Object.entries(rest)
      .map(([name, value]) => [name, plain(value)] as const)
      .filter(([, value]) => value !== null && value !== undefined),
  );
  return {
    ...(image !== null && image !== undefined && { image: toSource(image) }),
    ...(text !== null && text !== undefined && { text: text instanceof Uint8Array ? textOf(text) : text }),
    ...(id !== null && id !== undefined && { id: typeof id === 'bigint' ? String(id) : String(plain(id)) }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

function toSource(image: unknown): unknown {
  if (image instanceof Uint8Array) {
    // Old writers do not declare text columns as text. Bytes that begin like a URL are therefore text.
    return /^(https?|data):/i.test(textOf(image.subarray(0, 8)))
      ? textOf(image)
      : { base64: Buffer.from(image).toString('base64') };
  }
  if (typeof image !== 'object' || image === null) return image;
  const { bytes, path, url } = image as { bytes?: unknown; path?: unknown; url?: unknown };
  if (!(bytes instanceof Uint8Array)) return path ?? url;
  const named = typeof path === 'string' && path !== '';
  return { base64: Buffer.from(bytes).toString('base64'), ...(named && { path }) };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Converts a value to JSON. Integers beyond 2^53 become raw JSON and keep all digits. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : JSON.rawJSON(String(value));
  if (value instanceof Date) return value.toISOString();
  return value instanceof Uint8Array ? textOf(value) : value;
}
