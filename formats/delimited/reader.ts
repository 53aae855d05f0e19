import { ServiceError } from '../../shared/errors.ts';
import { createBlankText } from '../blank-text.ts';
import { badHeader, findColumns, headerOf } from '../columns.ts';
import type { Header, ItemFile, ReadOptions } from '../format.ts';
import { badItem, type RawItem, type ReadItem, toReadItem } from '../items.ts';
import { decodeText, undecodable } from '../text.ts';
import { quoteFault, rowFault } from './faults.ts';
import { type CsvRow, createCsvRows } from './rows.ts';

/** The maximum length of a row in characters: an inline image of 20 MB in base64, and other cells. */
const maxRowLength = 32 * 1024 * 1024;
/** The maximum length of a header row in characters. Other formats often exceed it, having no line breaks. */
const maxHeaderLength = 256 * 1024;
/** The maximum number of delimiters in a row. An empty value takes more memory than its delimiter. */
const maxDelimiters = 1_000_000;
/**
 * The maximum number of stored column name characters per received character, because each item stores its column
 * names. A sparse table of 500 columns needs 15. Without this limit, 3,000 short rows with a name of 200,000 characters
 * took 7 s and 0.6 GB.
 */
const nameCharactersPerCharacter = 50;
const nameCharactersPerByteSent = 200;
const freeNameCharacters = 16 * 1024 * 1024;
const portion = 1_024;

/**
 * Reads items from a table with a header row. Columns other than image, text and id become metadata, and blank rows are
 * skipped. An unreadable row becomes a failed item that keeps the readable cells.
 */
export function readDelimited(
  label: string,
  delimiter: string,
  bytes: AsyncIterable<Buffer>,
  options: ReadOptions,
): ItemFile {
  const separator = options.delimiter ?? delimiter;
  const { parts, encoding } = decodeText(bytes, options.encoding);
  const rows = createRows(label, separator, options, encoding);
  async function* items() {
    const blank = createBlankText(label);
    for await (const part of parts) {
      const open = rows.pending();
      let hasItems = false;
      for (const found of rows.push(part)) {
        hasItems ||= found.length > 0;
        yield found;
      }
      rows.check();
      blank.add(open + part.length - rows.pending(), hasItems);
      await options.pending?.set(rows.pendingBytes());
    }
    yield* rows.end();
  }
  return { items: items(), header: rows.header };
}

function createRows(label: string, separator: string, options: ReadOptions, encoding: () => string) {
  const { strictness } = options;
  let delimiter = separator;
  /** The first characters of the file, until it is clear if it begins with `sep=;`. Then undefined. */
  let start: string | undefined = '';
  let reader = createCsvRows(delimiter, maxDelimiters);
  let header: Header | undefined;
  let characters = 0;
  let nameCharacters = 0;
  /**
   * The total length of the column names that an item stores, by its number of columns. The names for image, text and
   * id do not count.
   */
  let namesUpTo: number[] = [0];

  function* push(text: string): Generator<ReadItem[]> {
    characters += text.length;
    if (start === undefined) return yield* portions(reader.push(text));
    start += text;
    if (/[\r\n]./s.test(start) || start.length > 16) yield* begin();
    else yield [];
  }

  /** Starts reading rows. Excel may begin a file with `sep=;`, which sets the delimiter. */
  function* begin(): Generator<ReadItem[]> {
    const text = start ?? '';
    start = undefined;
    const line = /^"?sep=([^"\r\n])"?(?:\r\n?|\n)/i.exec(text);
    if (line?.[1] !== undefined) {
      delimiter = line[1];
      reader = createCsvRows(delimiter, maxDelimiters, 2);
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
      throw error instanceof RangeError ? unreadable(label, `a row has ${error.message}`) : error;
    }
    yield items;
  }

  function readHeader({ values, fault }: CsvRow): void {
    if (fault !== undefined) throw badHeader(label, `has an incomplete header: ${quoteFault(fault)}`);
    for (const name of values) {
      if (!name.isWellFormed())
        throw badHeader(label, `has a header that cannot be decoded: ${undecodable(name, encoding())}`);
    }
    const names = headerOf(values, label);
    const columns = findColumns(names, options.columns, label, delimiter);
    header = { names, columns };
    let sum = 0;
    const isStored = (name: string) => name !== columns.image && name !== columns.text && name !== columns.id;
    namesUpTo = [0, ...names.map((name) => (sum += isStored(name) ? name.length : 0))];
  }

  /** @throws {ServiceError} `request.invalid` when the stored column names exceed their limit. */
  function countNames({ values }: CsvRow): void {
    nameCharacters += namesUpTo[Math.min(values.length, namesUpTo.length - 1)] ?? 0;
    const bytes = options.sent?.() ?? Number.POSITIVE_INFINITY;
    const most = Math.min(nameCharactersPerCharacter * characters, nameCharactersPerByteSent * bytes);
    if (nameCharacters <= freeNameCharacters + most) return;
    throw badHeader(
      label,
      `has column names that are too long for its rows: each row stores the names, so far ${nameCharacters} characters of names for ${characters} characters of rows; shorten the names, or leave out columns that are nearly empty`,
    );
  }

  function toItem(row: CsvRow, { names, columns }: Header): ReadItem {
    const { values } = row;
    const where = `line ${row.line}`;
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
    const needed = 1 + Math.max(names.indexOf(columns.image), names.indexOf(columns.text));
    const fault = rowFault(row, names.length, needed);
    if (fault !== undefined) return bad(fault);
    return toReadItem(item, where, strictness, columns);
  }

  return {
    header: () => header,
    pending: () => reader.pending,
    pendingBytes: () => reader.pendingBytes,
    push,
    *end(): Generator<ReadItem[]> {
      if (start !== undefined) yield* begin();
      yield* portions(reader.end());
    },
    /** @throws {ServiceError} `request.invalid` when the incomplete row is too long. */
    check(): void {
      if (header === undefined && reader.pending > maxHeaderLength) {
        throw badHeader(label, `has a header row of more than ${maxHeaderLength} characters`);
      }
      if (reader.pending > maxRowLength) {
        throw unreadable(
          label,
          `a row has more than ${maxRowLength} characters; check for a quote that is never closed`,
        );
      }
    },
  };
}

/** Adds a column's value to the metadata. Assigning to `__proto__` would set the prototype. */
function setOwn(metadata: Record<string, unknown>, name: string, value: string): void {
  if (name !== '__proto__') metadata[name] = value;
  else Object.defineProperty(metadata, name, { value, enumerable: true, configurable: true, writable: true });
}

const unreadable = (label: string, reason: string): ServiceError =>
  new ServiceError('request.invalid', `The ${label} cannot be read: ${reason}`);
