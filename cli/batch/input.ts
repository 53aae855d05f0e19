import { createHash } from 'node:crypto';
import { constants, createReadStream, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { StoredItem } from '../../batches/store/payload.ts';
import { readBody } from '../../formats/body.ts';
import type { CsvColumns } from '../../formats/delimited/columns.ts';
import { itemsOfCsv } from '../../formats/delimited/reader.ts';
import type { Strictness } from '../../formats/items.ts';
import { itemsOfNdjson } from '../../formats/ndjson.ts';
import { encodingOf } from '../../formats/text.ts';
import { ServiceError } from '../../shared/errors.ts';
import { UsageError } from '../failures.ts';
import { cannotRead } from '../output-file.ts';

export type InputFormat = 'csv' | 'ndjson' | 'parquet';

/** Names of the columns, or fields, with image, text and id, where they are not called so. */
export interface ColumnFlags {
  imageColumn?: string | undefined;
  textColumn?: string | undefined;
  idColumn?: string | undefined;
}

export interface InputOptions extends ColumnFlags {
  /** What separates the columns of CSV; by the file's name when it is not said. */
  delimiter?: string | undefined;
  /** Of CSV and NDJSON, by its name in the Encoding Standard; UTF-8 or UTF-16 when it is not said. */
  encoding?: string | undefined;
  strictness: Strictness;
  /** Only the first rows. */
  limit?: number | undefined;
}

/** A file of pairs, read as often as it is asked for and never held whole. */
export interface BatchInput {
  file: string;
  format: InputFormat;
  /** Names that were asked for. */
  columnNames: CsvColumns;
  /** Names of the columns that are meant, once the first items have come: they may differ in case. */
  foundNames(): CsvColumns;
  /** Names of the columns in their order, known once the first items have come; nothing for NDJSON. */
  columns(): string[] | undefined;
  /** The pairs in their order, a few at a time. What is no pair becomes a failed item, or ends the reading when strict. */
  items(): AsyncGenerator<StoredItem[]>;
}

/** @throws {UsageError} for a file that is not there, or is none of the formats. */
export async function openInput(file: string, options: InputOptions): Promise<BatchInput> {
  const format = formatOf(file);
  if ((await statOf(file)).size === 0) throw new UsageError(`${file} is empty`);
  const columnNames = {
    image: options.imageColumn ?? 'image',
    text: options.textColumn ?? 'text',
    id: options.idColumn ?? 'id',
  };
  const encoding = options.encoding === undefined ? undefined : encodingOf(options.encoding);
  if (options.encoding !== undefined && encoding === undefined) {
    throw new UsageError(
      `--encoding ${options.encoding} is not known; utf-8, utf-16le, windows-1252 and shift_jis are`,
    );
  }
  if (encoding !== undefined && format === 'parquet') throw new UsageError('--encoding is for CSV and NDJSON');
  const delimiter = options.delimiter ?? (/\.tsv(\.gz)?$/i.test(file) ? '\t' : ',');
  let columns: string[] | undefined;
  let foundNames = columnNames;
  const onHeader = (header: string[], found = columnNames) => {
    columns = header;
    foundNames = found;
  };

  async function* items(): AsyncGenerator<StoredItem[]> {
    const { strictness } = options;
    if (format === 'parquet') {
      const { itemsOfParquet } = await import('../../formats/parquet.ts');
      try {
        return yield* itemsOfParquet(file, { columns: columnNames, strictness, onHeader });
      } catch (error) {
        throw asUsageError(error, file);
      }
    }
    const { bytes } = readBody(createReadStream(file));
    if (format === 'csv') {
      try {
        return yield* itemsOfCsv(bytes, { columns: columnNames, delimiter, strictness, encoding, onHeader });
      } catch (error) {
        throw asUsageError(error, file);
      }
    }
    const named = options.imageColumn ?? options.textColumn ?? options.idColumn;
    const reshaped = named === undefined ? undefined : (raw: unknown) => reshape(raw, columnNames);
    yield* itemsOfNdjson(bytes, strictness, { encoding, reshape: reshaped });
  }

  return {
    file,
    format,
    columnNames,
    foundNames: () => foundNames,
    columns: () => columns,
    items: options.limit === undefined ? items : () => firstOf(items(), options.limit ?? 0),
  };
}

function formatOf(file: string): InputFormat {
  const extension = /\.(csv|tsv|ndjson|jsonl|parquet)(\.gz)?$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === 'parquet') return 'parquet';
  if (extension === 'csv' || extension === 'tsv') return 'csv';
  if (extension !== undefined) return 'ndjson';
  throw new UsageError(
    `${file} is none of .csv, .tsv, .ndjson, .jsonl (each also with .gz) and .parquet; rename it, or convert it to one of them`,
  );
}

async function statOf(file: string): Promise<Stats> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw cannotRead(file, error);
  });
  if (!found.isFile()) throw new UsageError(`${file} is not a regular file; \`vls batch -\` reads a pipe`);
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw cannotRead(file, error);
  });
  return found;
}

/** Makes a usage error of a missing column, and of a file that is not of its format. */
function asUsageError(error: unknown, file: string): unknown {
  if (!(error instanceof ServiceError)) return error;
  const fault = error.faults?.[0];
  if (fault?.path === 'file') return new UsageError(`${file} ${fault.message}`);
  if (fault?.path !== 'header') return error;
  const what = error.message.replace(/^The CSV|\. The query .*$|: the query .*$/gs, '');
  return new UsageError(`${file}${what}. --image-column, --text-column and --delimiter say what it has`);
}

/** An object with names of its own as an item: what is neither image, text nor id becomes metadata. */
function reshape(raw: unknown, names: BatchInput['columnNames']): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  const { [names.image]: image, [names.text]: text, [names.id]: id, ...metadata } = raw as Record<string, unknown>;
  return {
    ...(image !== undefined && { image }),
    ...(text !== undefined && { text }),
    ...(id !== undefined && { id }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

async function* firstOf(items: AsyncGenerator<StoredItem[]>, limit: number): AsyncGenerator<StoredItem[]> {
  let left = limit;
  for await (const some of items) {
    yield some.slice(0, left);
    left -= some.length;
    if (left <= 0) return;
  }
}

/** SHA-256 of a file as it lies there, hexadecimal. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
