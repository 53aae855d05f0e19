import { type CsvRow, createCsvRows } from '../../../formats/delimited/rows.ts';
import { type Recognised, recognise } from '../../../formats/signatures.ts';
import { parseExactly } from '../../../shared/exact-json.ts';
import {
  type BatchFormat,
  type FormatName,
  formatNamed,
  formatOfFile,
  formatOfStart,
} from '../../../shared/formats.ts';
import { guessEncoding } from './encoding.ts';
import { type Cell, cellOf } from './files/cell.ts';
import { delimiterOf } from './files/delimiters.ts';
import { samplesOf } from './files/tar-head.ts';

export interface Preview {
  format: FormatName;
  /** The delimiter of CSV and TSV; empty for other formats. */
  delimiter: string;
  gzipped: boolean;
  /** The text encoding, as a name of the WHATWG Encoding Standard; empty for binary formats. */
  encoding: string;
  columns: string[];
  rows: Cell[][];
  /** The shown rows of a table in text, as the service reads them; undefined for other formats. */
  read?: CsvRow[] | undefined;
  /** The shown lines of NDJSON; undefined for other formats. */
  lines?: JsonLine[] | undefined;
  /** The reason why the table lacks values or rows of the file; undefined if it lacks none. */
  unread?: string | undefined;
  /** The number of rows in the whole file. Unless `exact`, it is estimated from the mean length of the first rows. */
  estimate: { rows: number; exact: boolean } | undefined;
}

export interface JsonLine {
  /** The number of the line in the file, from 1. */
  line: number;
  text: string;
}

/** The encoding and delimiter that the user has chosen in place of the guessed ones. */
export interface Corrections {
  encoding?: string | undefined;
  delimiter?: string | undefined;
}

/** The error for a file that cannot become a batch. The message gives the reason. */
export class NoPreview extends Error {
  override name = 'NoPreview';
  /** True for a single image, which the view Try it can score. */
  readonly isImage: boolean;

  constructor(message: string, isImage = false) {
    super(message);
    this.isImage = isImage;
  }
}

const headBytes = 256 * 1024;
/** Bytes read from the start of a tar: many, because samples contain whole images. */
const tarHeadBytes = 8 * 1024 * 1024;
const shownRows = 5;

/**
 * Reads the first rows of a file. Its bytes determine the format; its name counts only for text without a recognisable
 * start.
 * @throws {NoPreview}
 */
export async function previewOf(file: File, corrections: Corrections = {}): Promise<Preview> {
  const start = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  const outer = recognise(start);
  const gzipped = outer !== undefined && 'isGzip' in outer;
  const content = gzipped
    ? await inflate(start, file.size, headBytes)
    : { bytes: start, whole: file.size <= headBytes };
  const kind = gzipped ? recognise(content.bytes) : outer;
  if (content.bytes.length === 0) throw new NoPreview('The file is empty.');
  const binary = binaryFormatOf(kind, gzipped);
  if (binary === 'parquet') return await previewOfParquet(file);
  if (binary === 'tar') return await previewOfTar(file, gzipped);
  const head = decode(content, gzipped, corrections.encoding);
  if (head.text.trim() === '') throw new NoPreview('The file is empty.');
  const format = formatOf(file.name, head.text);
  const found = format.hasColumns ? readCsv(head, format, corrections.delimiter) : readNdjson(head);
  if (found.columns.length === 0) throw new NoPreview(`The file has no rows that can be read as ${format.label}.`);
  return {
    ...found,
    format: format.name,
    gzipped,
    encoding: head.encoding,
    estimate: estimateOf(file, head, found.rowBytes),
  };
}

/**
 * Returns the binary format of a file, or undefined for text.
 * @throws {NoPreview} for a file that cannot become a batch.
 */
function binaryFormatOf(kind: Recognised | undefined, gzipped: boolean): 'parquet' | 'tar' | undefined {
  if (kind === undefined) return undefined;
  if ('isGzip' in kind) throw new NoPreview('The file is compressed twice. Decompress it once.');
  if ('kind' in kind) {
    throw new NoPreview(`This is ${kind.kind}, not a list of pairs. ${kind.advice}`, kind.isImage);
  }
  if (gzipped && !formatNamed(kind.format).mayBeGzip) {
    throw new NoPreview('This is a Parquet file inside gzip. Decompress it first.');
  }
  return kind.format;
}

const binary = { delimiter: '', encoding: '' } as const;

async function previewOfParquet(file: File): Promise<Preview> {
  const { parquetHead } = await import('./files/parquet-head.ts').catch(() => {
    throw new NoPreview(
      'The page cannot load its reader of Parquet files: the service does not answer. Check that it is running, then choose the file again.',
    );
  });
  const { columns, rows, total, unread } = await parquetHead(file, shownRows).catch((error: Error) => {
    throw new NoPreview(`The file begins like Parquet but cannot be read: ${error.message}.`);
  });
  if (total === 0) throw new NoPreview('The Parquet file has no rows.');
  return {
    ...binary,
    format: 'parquet',
    gzipped: false,
    columns,
    rows: rows.map((row) => row.map(cellOf)),
    unread,
    estimate: { rows: total, exact: true },
  };
}

async function previewOfTar(file: File, gzipped: boolean): Promise<Preview> {
  const start = new Uint8Array(await file.slice(0, tarHeadBytes).arrayBuffer());
  const bytes = gzipped ? (await inflate(start, file.size, tarHeadBytes)).bytes : start;
  const samples = samplesOf(bytes, shownRows);
  if (samples.length === 0) {
    throw new NoPreview(
      'The tar has no image with a text at its start. It needs files such as 1.jpg and 1.txt, next to each other.',
    );
  }
  const hasMetadata = samples.some(({ metadata }) => metadata !== '');
  const sampleBytes = (samples.at(-1)?.end ?? 0) / samples.length;
  return {
    ...binary,
    format: 'tar',
    gzipped,
    columns: ['id', 'image', 'text', ...(hasMetadata ? ['metadata'] : [])],
    rows: samples.map(({ id, image, text, metadata }) => [id, image, text, ...(hasMetadata ? [metadata] : [])]),
    estimate: gzipped
      ? undefined
      : file.size <= tarHeadBytes
        ? { rows: samplesOf(bytes, Number.POSITIVE_INFINITY).length, exact: true }
        : { rows: Math.max(samples.length, Math.round(file.size / sampleBytes)), exact: false },
  };
}

interface Head {
  text: string;
  gzipped: boolean;
  encoding: string;
  /** True when the bytes are the whole file. */
  whole: boolean;
}

interface Found {
  delimiter: string;
  columns: string[];
  rows: Cell[][];
  read?: CsvRow[];
  lines?: JsonLine[];
  /** The mean length in bytes of a row. `rows` is the number of rows that were measured. */
  rowBytes: { mean: number; rows: number };
}

interface Content {
  bytes: Uint8Array<ArrayBuffer>;
  whole: boolean;
}

function decode({ bytes, whole }: Content, gzipped: boolean, chosen: string | undefined): Head {
  const encoding = chosen ?? guessEncoding(bytes);
  const text = new TextDecoder(encoding).decode(bytes).replace(/^\uFEFF/, '');
  // Cuts the text after its last complete row, which also removes an incomplete character.
  const end = whole ? text.length : text.lastIndexOf('\n') + 1;
  return { text: text.slice(0, end === 0 ? text.length : end), gzipped, encoding, whole };
}

/** Decompresses the start of a gzip file. An incomplete file causes an expected error at its end. */
async function inflate(bytes: Uint8Array<ArrayBuffer>, size: number, limit: number): Promise<Content> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    while (length < limit) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        break;
      }
      parts.push(value);
      length += value.length;
    }
  } catch {
    if (length === 0) throw new NoPreview('The file looks like gzip but cannot be decompressed.');
  }
  await reader.cancel().catch(() => {});
  const content = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  return { bytes: content, whole: ended && size <= bytes.length };
}

/** Returns the format of a text by its first characters, and for a table also by the file name. */
function formatOf(name: string, text: string): BatchFormat {
  const byStart = formatOfStart(new TextEncoder().encode(text.trimStart().slice(0, 16)))?.name;
  const named = formatOfFile(name)?.format.name;
  const isTable = named === 'csv' || named === 'tsv';
  // A table may begin with a brace, but its first line is almost never a valid JSON object.
  if (byStart === 'ndjson' && (!isTable || readObject(text.split('\n', 1)[0] ?? '') !== undefined)) {
    return formatNamed('ndjson');
  }
  if (byStart === 'json' && !isTable) {
    throw new NoPreview('This is a JSON array. Write each item on a line of its own (NDJSON).');
  }
  if (named === 'ndjson') return formatNamed('ndjson');
  return formatNamed(named === 'tsv' ? 'tsv' : 'csv');
}

function readCsv({ text, whole }: Head, { name }: BatchFormat, chosen: string | undefined): Found {
  const stated = /^"?sep=([^"\r\n])"?\r?\n/i.exec(text);
  const delimiter = stated?.[1] ?? chosen ?? (name === 'tsv' ? '\t' : delimiterOf(text));
  const body = text.slice(stated?.[0].length ?? 0);
  const reader = createCsvRows(delimiter, body.length, stated === null ? 1 : 2);
  const all = [...reader.push(body), ...(whole ? reader.end() : [])];
  const [header, ...others] = all;
  const rows = others.filter(({ values }) => values.some((value) => value.trim() !== ''));
  const read = rows.slice(0, shownRows);
  const length = body.length - (whole ? 0 : reader.pending) - (header?.values.join(delimiter).length ?? 0);
  return {
    delimiter,
    columns: header?.values.map((name) => name.trim()) ?? [],
    rows: read.map(({ values }) => values),
    read,
    rowBytes: { mean: length / Math.max(1, rows.length), rows: rows.length },
  };
}

function readNdjson({ text }: Head): Found {
  const lines = text
    .split('\n')
    .map((text, at) => ({ line: at + 1, text }))
    .filter(({ text }) => text.trim() !== '');
  const shown = lines.slice(0, shownRows);
  const items = shown.map(({ text }) => readObject(text) ?? {});
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  const length = lines.reduce((sum, { text }) => sum + text.length + 1, 0);
  return {
    delimiter: '',
    columns,
    rows: items.map((item) => columns.map((column) => cellOf(item[column]))),
    lines: shown,
    rowBytes: { mean: length / Math.max(1, lines.length), rows: lines.length },
  };
}

export function readObject(line: string): Record<string, unknown> | undefined {
  try {
    const value = parseExactly(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function estimateOf(file: File, head: Head, { mean, rows }: Found['rowBytes']): Preview['estimate'] {
  if (head.whole) return { rows, exact: true };
  // The compression ratio of the rest of a gzip file is unknown.
  if (head.gzipped || rows === 0) return undefined;
  return { rows: Math.round(file.size / mean), exact: false };
}
