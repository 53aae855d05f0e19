import { parseExactly } from '../../shared/exact-json.ts';
import {
  type BatchFormat,
  type FormatName,
  formatNamed,
  formatOfFile,
  formatOfStart,
  formats,
} from '../../shared/formats.ts';
import { createCsvReader } from './csv.ts';
import { guessEncoding } from './encoding.ts';

/** The start of a file as a table. The rest of the file is not read. */
export interface Preview {
  format: FormatName;
  /** The delimiter of CSV and TSV; empty for NDJSON. */
  delimiter: string;
  gzipped: boolean;
  /** The encoding it was read in, by its name in the Encoding Standard. */
  encoding: string;
  columns: string[];
  rows: string[][];
  /**
   * The estimated number of rows in the whole file, from the mean length of the first rows. `exact` is true when the
   * whole file was read.
   */
  estimate: { rows: number; exact: boolean } | undefined;
}

/** The error for a file that cannot become a batch. The message gives the reason. */
export class NoPreview extends Error {
  override name = 'NoPreview';
}

const headBytes = 256 * 1024;
const shownRows = 5;

/**
 * Reads the first rows of a file.
 * @param encoding the encoding of the file; guessed by default.
 * @throws {NoPreview}
 */
export async function previewOf(file: File, encoding?: string): Promise<Preview> {
  const head = await readHead(file, encoding);
  if (head.text.trim() === '') throw new NoPreview('The file is empty.');
  const format = formatOf(file.name, head.text);
  const found = format.hasColumns ? readCsv(head, format) : readNdjson(head);
  if (found.columns.length === 0) throw new NoPreview(`The file has no rows that can be read as ${format.label}.`);
  return {
    ...found,
    format: format.name,
    gzipped: head.gzipped,
    encoding: head.encoding,
    estimate: estimateOf(file, head, found.rowBytes),
  };
}

interface Head {
  text: string;
  gzipped: boolean;
  encoding: string;
  /** True when the head is the whole file. */
  whole: boolean;
}

interface Found {
  delimiter: string;
  columns: string[];
  rows: string[][];
  /** The mean length of a row. */
  rowBytes: { mean: number; rows: number };
}

async function readHead(file: File, chosen: string | undefined): Promise<Head> {
  const bytes = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const { content, whole } = gzipped
    ? await inflate(bytes, file.size)
    : { content: bytes, whole: file.size <= headBytes };
  const encoding = chosen ?? guessEncoding(content);
  const text = new TextDecoder(encoding).decode(content).replace(/^\uFEFF/, '');
  // The text is cut after the last complete row. That also drops an incomplete character.
  const end = whole ? text.length : text.lastIndexOf('\n') + 1;
  return { text: text.slice(0, end === 0 ? text.length : end), gzipped, encoding, whole };
}

/** Decompresses the head. A stream that is cut off ends with an error, which is expected. */
async function inflate(bytes: Uint8Array<ArrayBuffer>, size: number) {
  const parts: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    while (length < headBytes) {
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
  return { content, whole: ended && size <= headBytes };
}

/** The formats whose rows can be shown. */
export const previewed = formats.filter(({ isRead, isText, name }) => isRead && isText && name !== 'json');

/** Returns the format that the file name states, or else the format that the first characters show. */
function formatOf(name: string, text: string): BatchFormat {
  const byStart = formatOfStart(new TextEncoder().encode(text.trimStart().slice(0, 16))) ?? formatNamed('csv');
  const named = formatOfFile(name)?.format;
  // Many programs write NDJSON files with the ending `.json`.
  const format = named === undefined || named.name === 'json' ? byStart : named;
  if (previewed.includes(format)) return format;
  throw new NoPreview(
    format.name === 'json'
      ? 'This is a JSON array. Write each item on a line of its own (NDJSON).'
      : `${format.label} cannot be shown here; use \`vls batch\` for it.`,
  );
}

function readCsv({ text, whole }: Head, { name }: BatchFormat): Found {
  const stated = /^"?sep=([^"\r\n])"?\r?\n/i.exec(text);
  const delimiter = stated?.[1] ?? (name === 'tsv' ? '\t' : delimiterOf(text));
  const reader = createCsvReader(delimiter);
  const all = [...reader.push(text.slice(stated?.[0].length ?? 0)), ...(whole ? reader.end() : [])];
  const [header, ...rows] = all;
  const length = rows.reduce((sum, { raw }) => sum + raw.length + 1, 0);
  return {
    delimiter,
    columns: header?.fields.map((name) => name.trim()) ?? [],
    rows: rows.slice(0, shownRows).map(({ fields }) => fields),
    rowBytes: { mean: length / Math.max(1, rows.length), rows: rows.length },
  };
}

/** Returns the most frequent delimiter of the header row. */
function delimiterOf(text: string): string {
  const header = text.split('\n', 1)[0] ?? '';
  const countOf = (delimiter: string) => header.split(delimiter).length;
  return [',', ';', '\t', '|'].reduce((best, next) => (countOf(next) > countOf(best) ? next : best));
}

function readNdjson({ text }: Head): Found {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const shown = lines
    .slice(0, shownRows)
    .map(readObject)
    .filter((item) => item !== undefined);
  const columns = [...new Set(shown.flatMap((item) => Object.keys(item)))];
  const length = lines.reduce((sum, line) => sum + line.length + 1, 0);
  return {
    delimiter: '',
    columns,
    rows: shown.map((item) => columns.map((column) => cellText(item[column]))),
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

const cellText = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

function estimateOf(file: File, head: Head, { mean, rows }: Found['rowBytes']): Preview['estimate'] {
  if (head.whole) return { rows, exact: true };
  // The number of rows of a gzip file cannot be estimated, because the compression ratio of its rest is unknown.
  if (head.gzipped || rows === 0) return undefined;
  return { rows: Math.round(file.size / mean), exact: false };
}
