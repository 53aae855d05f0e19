import { type CsvError, parse } from 'csv-parse';
import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../payload.ts';
import { badItem, type Strictness, toStoredItem } from './items.ts';

/** Which columns are what. */
export interface CsvColumns {
  image: string;
  text: string;
  id: string;
}

export interface CsvOptions {
  columns: CsvColumns;
  delimiter: string;
  strictness: Strictness;
  /** Told once the header row is known. */
  onHeader(columns: string[]): void;
}

const maxRowBytes = 32 * 1024 * 1024;

/** The parser has to find out how rows end, and until one does it is slow: what is no CSV would cost it minutes. */
const maxHeaderBytes = 256 * 1024;
/** The parser's bound of a row does not count delimiters, and an empty column takes more memory than its delimiter. */
const maxDelimiters = 1_000_000;

/**
 * Items of CSV with a header row, as the bytes arrive. Columns that are neither image, text nor id become metadata.
 * A row that cannot be read becomes a failed item that names its line.
 * @throws {ServiceError} `request.invalid` when the header lacks a column, or for a bad row when strict.
 */
export async function* itemsOfCsv(bytes: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<StoredItem[]> {
  const { columns, strictness } = options;
  let header: string[] | undefined;
  let items: StoredItem[] = [];
  let fault: unknown;
  let rows = 0;
  /** The row that is open, without the part of it that shares a chunk with the row before. */
  let row = { bytes: 0, delimiters: 0 };
  const delimiter = Buffer.from(options.delimiter);

  const parser = parse({
    bom: true,
    delimiter: options.delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: maxRowBytes,
    // Called in the order of the rows, as are skipped ones; the parser's readable side is not used.
    on_record: (values: string[], { lines }) => {
      rows++;
      collect(() => {
        if (header !== undefined) return void items.push(readRow(values, header, `line ${lines}`));
        header = readHeader(values, columns);
        options.onHeader(header);
      });
      return null;
    },
  });
  parser.on('skip', (error: CsvError) => {
    rows++;
    const line = String(error['lines'] ?? '?');
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      fault ??= unreadable(
        new Error(`the row at line ${line} has more than ${maxRowBytes} bytes; is a quote left open?`),
      );
      return;
    }
    collect(() => items.push(badItem([{ path: '', message: error.message }], `line ${line}`, strictness)));
  });
  parser.resume();

  /** What is thrown inside the parser's callbacks would end the parser; it is thrown to the reader instead. */
  function collect(step: () => void): void {
    if (fault !== undefined) return;
    try {
      step();
    } catch (error) {
      fault = error;
    }
  }

  /** @throws {ServiceError} `request.invalid` */
  function growRow(chunk: Buffer): void {
    row.bytes += chunk.length;
    for (let at = chunk.indexOf(delimiter); at >= 0; at = chunk.indexOf(delimiter, at + 1)) row.delimiters++;
    if (header === undefined && row.bytes > maxHeaderBytes) throw noHeader();
    if (row.bytes <= maxRowBytes && row.delimiters <= maxDelimiters) return;
    throw unreadable(
      new Error(`a row has more than ${maxRowBytes} bytes or ${maxDelimiters} delimiters; is a quote left open?`),
    );
  }

  function readRow(values: string[], names: readonly string[], where: string): StoredItem {
    const item: { image?: string; text?: string; id?: string; metadata?: Record<string, string> } = {};
    for (const [at, name] of names.entries()) {
      const value = values[at];
      if (value === undefined) break;
      if (name === columns.image) item.image = value;
      else if (name === columns.text) item.text = value;
      else if (name === columns.id) item.id = value;
      else {
        item.metadata ??= {};
        item.metadata[name] = value;
      }
    }
    if (values.length > names.length) {
      const message = `${values.length} columns, the header has ${names.length}`;
      return badItem([{ path: '', message }], where, strictness, item);
    }
    return toStoredItem(item, where, strictness);
  }

  try {
    for await (const chunk of bytes) {
      const before = rows;
      await new Promise<void>((resolve, reject) => {
        parser.write(chunk, (error) => (error ? reject(unreadable(error)) : resolve()));
      });
      if (rows === before) growRow(chunk);
      else row = { bytes: 0, delimiters: 0 };
      yield flush();
    }
    await new Promise<void>((resolve, reject) => {
      parser.once('error', (error) => reject(unreadable(error)));
      parser.end(resolve);
    });
    yield flush();
  } finally {
    parser.destroy();
  }

  function flush(): StoredItem[] {
    if (fault !== undefined) throw fault;
    const collected = items;
    items = [];
    return collected;
  }
}

function readHeader(row: string[], columns: CsvColumns): string[] {
  const names = row.map((name) => name.trim());
  for (const part of ['image', 'text'] as const) {
    if (names.includes(columns[part])) continue;
    const message = `The CSV has no column ${columns[part]}; it has ${names.join(', ')}. The query ?${part}=NAME chooses another`;
    throw new ServiceError('request.invalid', message.slice(0, 1_000), { faults: [{ path: 'header', message }] });
  }
  return names;
}

const noHeader = (): ServiceError => {
  const message = `The first row, which names the columns, does not end within ${maxHeaderBytes} bytes`;
  return new ServiceError('request.invalid', message, { faults: [{ path: 'header', message }] });
};

const unreadable = (error: Error): ServiceError =>
  new ServiceError('request.invalid', `The CSV cannot be read: ${error.message}`, { cause: error });
