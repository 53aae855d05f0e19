import { createHash } from 'node:crypto';
import { constants, createReadStream, type Stats } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StoredItem } from '../../batches/store/payload.ts';
import { MissingColumn } from '../../formats/columns.ts';
import { hashFolder, readFolder } from '../../formats/folder.ts';
import type { ColumnNames, Header } from '../../formats/format.ts';
import { readItemsOfFile } from '../../formats/index.ts';
import type { Strictness } from '../../formats/items.ts';
import { lookedAt, recognise, type UnusableKind, unknownKind } from '../../formats/signatures.ts';
import { encodingOf } from '../../formats/text.ts';
import { called } from '../../shared/called.ts';
import { usualColumn } from '../../shared/column-names.ts';
import { ServiceError } from '../../shared/errors.ts';
import { type BatchFormat, endingsInWords, formatNamed, formatOfFile, formats } from '../../shared/formats.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { UsageError } from '../failures.ts';
import { cannotRead } from '../output-file.ts';

/** The columns or fields with image, text and id, where their names differ from the default. */
export interface ColumnFlags {
  imageColumn?: string | undefined;
  textColumn?: string | undefined;
  idColumn?: string | undefined;
}

export interface InputOptions extends ColumnFlags {
  /** The separator of columns in CSV and TSV; by default a comma or a tab. */
  delimiter?: string | undefined;
  /** A name of the WHATWG Encoding Standard. By default, UTF-8 and UTF-16 are detected. */
  encoding?: string | undefined;
  strictness: Strictness;
  /** The requested model. A line of an OpenAI batch file must not name another one. */
  model?: string | undefined;
  limit?: number | undefined;
}

/** A file of pairs, or a folder of images with captions. It can be read several times, always as a stream. */
export interface BatchInput {
  file: string;
  /** `tar` for a folder, which has the layout of a WebDataset. */
  format: BatchFormat;
  /** The directory to which the paths of images are relative. */
  directory: string;
  /** The requested column names. */
  columnNames: ColumnNames;
  /** Returns the columns; undefined before the first items have been read, and for formats without columns. */
  header(): Header | undefined;
  /**
   * Yields the pairs in order, in small groups. An invalid row becomes a failed item, or throws in strict mode.
   * @throws {UsageError} for a file without rows.
   */
  items(): AsyncGenerator<StoredItem[]>;
  /** Returns the SHA-256 of the content as hexadecimal text. */
  hash(): Promise<string>;
}

/**
 * Opens a file or folder of pairs.
 * @throws {UsageError} for a file that does not exist, is empty, or has an unsupported format.
 */
export async function openInput(file: string, options: InputOptions): Promise<BatchInput> {
  const isFolder = (await stat(file).catch(() => undefined))?.isDirectory() ?? false;
  const format = isFolder ? formatNamed('tar') : formatOf(file);
  if (!isFolder && (await statOf(file)).size === 0) throw new UsageError(`${file} is empty`);
  const isBinary = !isFolder && (await requireKind(file, format));
  const columnNames = {
    image: options.imageColumn ?? 'image',
    text: options.textColumn ?? 'text',
    id: options.idColumn ?? 'id',
  };
  const encoding = options.encoding === undefined ? undefined : encodingOf(options.encoding);
  if (options.encoding !== undefined && encoding === undefined) {
    throw new UsageError(
      `--encoding ${options.encoding} is not supported; use a name such as utf-8, utf-16le, windows-1252 or shift_jis`,
    );
  }
  if (encoding !== undefined && !format.isText)
    throw new UsageError(`--encoding applies only to text formats, not to ${format.label}`);
  const named = options.imageColumn ?? options.textColumn ?? options.idColumn;
  let header: Header | undefined;

  async function* items(): AsyncGenerator<StoredItem[]> {
    const { strictness, delimiter, model } = options;
    const fields = named === undefined ? undefined : columnNames;
    try {
      const read = { columns: columnNames, fields, model, delimiter, encoding, strictness };
      const opened = isFolder ? readFolder(file, read) : readItemsOfFile(format.name, file, read);
      let isEmpty = true;
      for await (const some of opened.items) {
        header = opened.header();
        isEmpty &&= some.length === 0;
        yield some;
      }
      if (isEmpty) throw new UsageError(`${file} has no rows`);
    } catch (error) {
      throw asUsageError(error, {
        file,
        format,
        columnNames,
        isBinary: isBinary && encoding === undefined,
        strictness,
      });
    }
  }

  return {
    file,
    format,
    directory: isFolder ? file : dirname(file),
    columnNames,
    header: () => header,
    hash: () => (isFolder ? hashFolder(file) : hashFile(file)),
    items: options.limit === undefined ? items : () => firstOf(items(), options.limit ?? 0),
  };
}

function formatOf(file: string): BatchFormat {
  const format = formatOfFile(file)?.format;
  if (format?.isRead) return format;
  const readable = formats.filter(({ isRead }) => isRead);
  throw new UsageError(
    `The name of ${file} does not end in ${endingsInWords(readable)} (.gz may follow, except after .parquet); rename or convert the file`,
  );
}

async function statOf(file: string): Promise<Stats> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw cannotRead(file, error);
  });
  if (!found.isFile()) throw new UsageError(`${file} is not a regular file; \`${called} batch -\` reads a pipe`);
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw cannotRead(file, error);
  });
  return found;
}

/**
 * Compares the first bytes of a file with its name. Bytes of no known kind are left to the reader of the format.
 * @returns true when the name is that of a text format, and the bytes are not text.
 * @throws {UsageError} that names the kind of a file that cannot be read as `format`.
 */
async function requireKind(file: string, format: BatchFormat): Promise<boolean> {
  const handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(lookedAt), 0, lookedAt, 0).finally(() => handle.close());
  const found = recognise(buffer.subarray(0, bytesRead));
  if (found === unknownKind) return format.isText;
  if (found === undefined || 'isGzip' in found) return false;
  if ('kind' in found) throw notPairs(file, found);
  // The reader of a binary format names what is wrong with its own file.
  if (found.format === format.name || !format.isText) return false;
  const label = found.format === 'tar' ? 'tar' : 'Parquet';
  throw new UsageError(`${file} is a ${label} file: rename it so that its name ends in .${found.format}`);
}

function notPairs(file: string, { kind, advice, isImage }: UnusableKind): UsageError {
  const single = isImage ? `\`${called} score\` scores a single image. ` : '';
  return new UsageError(`${file} is ${kind}, not a list of pairs. ${single}${advice}`);
}

interface Opened {
  file: string;
  format: BatchFormat;
  columnNames: ColumnNames;
  /** True when the name is that of a text format, and the bytes are not text. */
  isBinary: boolean;
  strictness: Strictness;
}

/** Converts an error about a missing column or an invalid file to a usage error. Other errors stay unchanged. */
function asUsageError(error: unknown, { file, format, columnNames, isBinary, strictness }: Opened): unknown {
  if (!(error instanceof ServiceError)) return error;
  if (error.code === 'batch.empty') return new UsageError(error.message);
  const fault = error.faults?.[0];
  if (fault?.path === 'file') return new UsageError(`${file} ${fault.message}`);
  if (fault?.path !== 'header') {
    if (strictness !== 'strict' || error.code !== 'request.invalid') return error;
    return new UsageError(
      `${file}, ${error.message}. Correct the row, or leave out --strict: then only this row fails`,
    );
  }
  if (isBinary) return notPairs(file, unknownKind);
  const flags = error instanceof MissingColumn ? missingFlags(error, columnNames) : undefined;
  const separator = format.isText ? ', and the separator with --delimiter' : '';
  const advice =
    flags === undefined
      ? `Set the column names with --image-column and --text-column${separator}`
      : `Run the command again with ${flags}`;
  return new UsageError(`${file} ${fault.message}. ${advice}`);
}

/** Suggests the options for a table without a column; undefined if none can be guessed. */
function missingFlags({ columns, split }: MissingColumn, asked: ColumnNames): string | undefined {
  if (split === undefined) return guessedFlags(columns, asked);
  const separator = `--delimiter ${split.delimiter === '\t' ? 'tab' : shellWord(split.delimiter)}`;
  if (split.isComplete) return separator;
  const guessed = guessedFlags(split.columns, asked);
  return guessed && `${separator} ${guessed}`;
}

/** Suggests the options for columns with usual names; undefined if a column has none. */
function guessedFlags(columns: readonly string[], asked: ColumnNames): string | undefined {
  const has = (name: string) => columns.find((column) => column.toLowerCase() === name.toLowerCase());
  const image = has(asked.image) ?? usualColumn('image', columns);
  const text = has(asked.text) ?? usualColumn('text', columns);
  if (image === undefined || text === undefined || image === text) return undefined;
  return `--image-column ${shellWord(image)} --text-column ${shellWord(text)}`;
}

async function* firstOf(items: AsyncGenerator<StoredItem[]>, limit: number): AsyncGenerator<StoredItem[]> {
  let left = limit;
  for await (const some of items) {
    yield some.slice(0, left);
    left -= some.length;
    if (left <= 0) return;
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
