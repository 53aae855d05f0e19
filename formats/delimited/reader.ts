import { ServiceError } from '../../shared/errors.ts';
import { badItem, type RawItem, type ReadItem, type Strictness, toStoredItem } from '../items.ts';
import { decodeText, undecodable } from '../text.ts';
import { badHeader, type CsvColumns, checkDelimiter, findColumns, headerOf } from './columns.ts';
import { type CsvRow, createCsvRows } from './rows.ts';

export interface CsvOptions {
  /** Names of the columns that are asked for. */
  columns: CsvColumns;
  /** What separates columns; a first line `sep=;` in the file itself counts for more. */
  delimiter: string;
  strictness: Strictness;
  /** The encoding that was declared, by its name in the Encoding Standard. */
  encoding?: string | undefined;
  /** Bytes received so far, as they were sent: before they are decompressed. */
  sent?: (() => number) | undefined;
  /** Called once the header row is known, with its names and those of the columns that are meant. */
  onHeader(header: string[], columns: CsvColumns): void;
}

/** Longest row, in characters: an inline image of 20 MB as base64, and room for the other cells. */
const maxRowLength = 32 * 1024 * 1024;
/** Longest header row. What has none, is long and is not CSV ends here. */
const maxHeaderLength = 256 * 1024;
/** An empty value takes more memory than its delimiter. */
const maxDelimiters = 1_000_000;
/**
 * Each item stores the names of its columns. They may have so many characters for each character of the file, and for
 * each byte that was sent, beyond the first ones: a sparse table of 500 columns has 15. One name of 200,000 characters
 * and 3,000 rows of six took 7 s, and 0.6 GB of items.
 */
const nameCharactersPerCharacter = 50;
const nameCharactersPerByteSent = 200;
const freeNameCharacters = 16 * 1024 * 1024;
/** Items handed on at a time. */
const portion = 1_024;

/**
 * Items of CSV with a header row, as the bytes arrive. Columns that are neither image, text nor id become metadata.
 * Empty lines, and rows of empty cells alone, are passed over. A row that cannot be read becomes a failed item that
 * names its line and has its own cells.
 * @throws {ServiceError} `request.invalid` for a header that lacks a column or has one twice, or for a bad row when
 * strict.
 */
export async function* itemsOfCsv(bytes: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<ReadItem[]> {
  checkDelimiter(options.delimiter);
  const { parts, encoding } = decodeText(bytes, options.encoding);
  const rows = createRows(options, encoding);
  for await (const part of parts) {
    yield* rows.push(part);
    rows.check();
  }
  yield* rows.end();
}

function createRows(options: CsvOptions, encoding: () => string) {
  const { strictness } = options;
  let { delimiter } = options;
  /** The beginning of the file, until it is known whether its first line says how columns are separated. */
  let start: string | undefined = '';
  let skippedLines = 0;
  let reader = createCsvRows(delimiter, maxDelimiters);
  let header: string[] | undefined;
  let columns = options.columns;
  let characters = 0;
  /** Characters of column names in all items so far. */
  let nameCharacters = 0;
  /** Characters of the names of the first columns, by their number. */
  let namesUpTo: number[] = [0];

  function* push(text: string): Generator<ReadItem[]> {
    characters += text.length;
    if (start === undefined) return yield* portions(reader.push(text));
    start += text;
    if (/[\r\n]./s.test(start) || start.length > 16) yield* begin();
    else yield [];
  }

  /** Excel writes and reads a first line `sep=;`, which is not part of the table. */
  function* begin(): Generator<ReadItem[]> {
    const text = start ?? '';
    start = undefined;
    const line = /^"?sep=([^"\r\n])"?(?:\r\n?|\n)/i.exec(text);
    if (line?.[1] !== undefined) {
      skippedLines = 1;
      delimiter = line[1];
      reader = createCsvRows(delimiter, maxDelimiters);
    }
    yield* portions(reader.push(text.slice(line?.[0].length ?? 0)));
  }

  function* portions(read: Generator<CsvRow>): Generator<ReadItem[]> {
    let items: ReadItem[] = [];
    try {
      for (const row of read) {
        if (header === undefined) readHeader(row);
        else if (row.values.some((value) => value.trim() !== '')) {
          countNames(row);
          items.push(toItem(row, header));
        }
        if (items.length < portion) continue;
        yield items;
        items = [];
      }
    } catch (error) {
      throw error instanceof RangeError ? unreadable(`a row has ${error.message}`) : error;
    }
    yield items;
  }

  function readHeader({ values, fault }: CsvRow): void {
    if (fault !== undefined) throw badHeader(`The header of the CSV is not whole: ${quoteFault(fault)}`);
    for (const name of values) {
      if (!name.isWellFormed()) throw badHeader(`The header of the CSV: ${undecodable(name, encoding())}`);
    }
    header = headerOf(values);
    columns = findColumns(header, columns, delimiter);
    options.onHeader(header, columns);
    let sum = 0;
    const isStored = (name: string) => name !== columns.image && name !== columns.text && name !== columns.id;
    namesUpTo = [0, ...header.map((name) => (sum += isStored(name) ? name.length : 0))];
  }

  /** @throws {ServiceError} `request.invalid` when the names of columns outgrow what was sent. */
  function countNames({ values }: CsvRow): void {
    nameCharacters += namesUpTo[Math.min(values.length, namesUpTo.length - 1)] ?? 0;
    const bytes = options.sent?.() ?? Number.POSITIVE_INFINITY;
    const most = Math.min(nameCharactersPerCharacter * characters, nameCharactersPerByteSent * bytes);
    if (nameCharacters <= freeNameCharacters + most) return;
    throw badHeader(
      `The names of the columns are stored with each row, and have ${nameCharacters} characters in rows of ${characters} so far; shorten the names, or leave out columns that are nearly empty`,
    );
  }

  function toItem({ values, line, fault }: CsvRow, names: readonly string[]): ReadItem {
    const where = `line ${line + skippedLines}`;
    const item: RawItem = {};
    let isDecoded = true;
    for (const [at, name] of names.entries()) {
      const value = values[at];
      if (value === undefined) break;
      isDecoded &&= value.isWellFormed();
      if (name === columns.image) item.image = value;
      else if (name === columns.text) item.text = value;
      else if (name === columns.id) item.id = value;
      else {
        item.metadata ??= {};
        setOwn(item.metadata, name, value);
      }
    }
    const bad = (message: string, code?: 'item.encoding') =>
      badItem([{ path: '', message }], where, strictness, item, code);
    if (!isDecoded) {
      return bad(undecodable(values.find((value) => !value.isWellFormed()) ?? '', encoding()), 'item.encoding');
    }
    const extra = values.slice(names.length).map((value) => JSON.stringify(value));
    const unnamed = extra.length === 0 ? '' : `; without a name is ${extra.join(', ')}`;
    if (fault !== undefined) {
      const closed = fault.closed === undefined ? undefined : fault.closed + skippedLines;
      return bad(`${quoteFault({ opened: fault.opened + skippedLines, closed })}${unnamed}`);
    }
    const has = `has ${values.length} ${values.length === 1 ? 'column' : 'columns'}, the header has ${names.length}`;
    if (extra.length > 0) return bad(`${has}${unnamed}`);
    if (item.image === undefined || item.text === undefined) return bad(has);
    return toStoredItem(item, where, strictness);
  }

  return {
    push,
    *end(): Generator<ReadItem[]> {
      if (start !== undefined) yield* begin();
      yield* portions(reader.end());
    },
    /** @throws {ServiceError} `request.invalid` when the open row is too long. */
    check(): void {
      if (header === undefined && reader.pending > maxHeaderLength) {
        throw badHeader(`The first row, which names the columns, does not end within ${maxHeaderLength} characters`);
      }
      if (reader.pending > maxRowLength) {
        throw unreadable(`a row has more than ${maxRowLength} characters; is a quote left open?`);
      }
    },
  };
}

/** An object may have a column `__proto__`, which is set like any other. */
function setOwn(metadata: Record<string, unknown>, name: string, value: string): void {
  if (name !== '__proto__') metadata[name] = value;
  else Object.defineProperty(metadata, name, { value, enumerable: true, configurable: true, writable: true });
}

function quoteFault({ opened, closed }: NonNullable<CsvRow['fault']>): string {
  const opens = `a quote opens on line ${opened}`;
  return closed === undefined
    ? `${opens} and is never closed; a quote inside a quoted cell is written twice`
    : `${opens}, and text follows the next quote on line ${closed}; a quote inside a quoted cell is written twice`;
}

const unreadable = (reason: string): ServiceError =>
  new ServiceError('request.invalid', `The CSV cannot be read: ${reason}`);
