import { isTwoByte } from '../pending.ts';

/** A row of CSV as it was written. */
export interface CsvRow {
  values: string[];
  /** Line on which it begins, from 1. */
  line: number;
  /** Something is wrong with its quotes: where the quote opens, and where the text behind it is, if there is any. */
  fault?: { opened: number; closed: number | undefined };
}

/** Reads rows from text that comes in parts, whatever the parts. */
export interface CsvRowReader {
  /** Length of the text that is still without the end of its row, in characters. */
  readonly pending: number;
  /** Memory of that text, in bytes. */
  readonly pendingBytes: number;
  /** Rows that this part completes. */
  push(text: string): Generator<CsvRow>;
  /** The last row, if no line break ended it. */
  end(): Generator<CsvRow>;
}

/** Below this the open row is scanned anew with each part. */
const smallRow = 64 * 1024;

/**
 * A row ends with CR, LF or both; a file may mix them. A quote counts at the beginning of a field alone, and is closed
 * by one before a delimiter or a line break. A quote that is not closed so fails the line on which it opens, and the
 * next line is read as a row again: otherwise one stray quote would swallow all rows up to the next quote.
 * @param maxValues a row of more throws.
 * @throws {RangeError} for a row of more values.
 */
export function createCsvRows(delimiter: string, maxValues: number): CsvRowReader {
  let parts: string[] = [];
  let pending = 0;
  let isWide = false;
  /** The open row is scanned anew once so much is there: doubling keeps the work linear in its length. */
  let enough = 0;
  let line = 1;

  function* rows(isEnd: boolean): Generator<CsvRow> {
    const text = parts.length === 1 ? (parts[0] ?? '') : parts.join('');
    const scan = createScan(text, delimiter, isEnd, maxValues);
    let at = 0;
    for (;;) {
      const begin = firstText(text, at);
      line += begin.lines;
      at = begin.at;
      if (at >= text.length) break;
      const read = scan.rowAt(at);
      if (read === undefined) break;
      const begun = line;
      at = read.next;
      line += read.lines;
      if (read.values.length === 1 && read.values[0] === '') continue;
      if (read.opened === undefined) yield { values: read.values, line: begun };
      else {
        const opened = begun + read.opened;
        const closed = read.closed === undefined ? undefined : begun + read.closed;
        yield { values: read.values, line: begun, fault: { opened, closed } };
      }
    }
    const rest = at === 0 ? text : text.slice(at);
    parts = [rest];
    pending = rest.length;
    if (at > 0) isWide &&= isTwoByte(rest);
    enough = pending < smallRow ? 0 : 2 * pending;
  }

  return {
    get pending() {
      return pending;
    },
    get pendingBytes() {
      return isWide ? 2 * pending : pending;
    },
    *push(text) {
      parts.push(text);
      pending += text.length;
      isWide ||= isTwoByte(text);
      if (pending >= enough) yield* rows(false);
    },
    *end() {
      yield* rows(true);
    },
  };
}

/** Passes over empty lines, which cost 60 ms a megabyte as rows, up to a CR that may be half of a line break. */
function firstText(text: string, from: number): { at: number; lines: number } {
  let at = from;
  let lines = 0;
  for (;;) {
    if (text[at] === '\n') at++;
    else if (text[at] === '\r' && text[at + 1] === '\n') at += 2;
    else return { at, lines };
    lines++;
  }
}

interface Scanned {
  values: string[];
  /** Where the next row begins. */
  next: number;
  /** Lines that it takes. */
  lines: number;
  /** Of a quote that is not closed: lines from its row's first to the one where it opens, and to where text follows it. */
  opened?: number;
  closed?: number;
}

function createScan(text: string, delimiter: string, isEnd: boolean, maxValues: number) {
  const find = (what: string, from: number) => {
    const found = text.indexOf(what, from);
    return found < 0 ? text.length : found;
  };
  // The next of each kind, looked for anew once it has been passed: most files have no CR at all.
  let lf = -1;
  let cr = -1;
  let comma = -1;
  const lineEnd = (from: number): number => {
    if (lf < from) lf = find('\n', from);
    if (cr < from) cr = find('\r', from);
    return Math.min(lf, cr);
  };
  const nextDelimiter = (from: number): number => {
    if (comma < from) comma = find(delimiter, from);
    return comma;
  };
  /** Behind a line break; nothing when a CR may be half of one whose other half has not come. */
  const behindBreak = (at: number): number | undefined => {
    if (at >= text.length) return text.length;
    if (text[at] === '\n') return at + 1;
    if (at + 1 === text.length && !isEnd) return undefined;
    return text[at + 1] === '\n' ? at + 2 : at + 1;
  };
  const isFieldEnd = (at: number) =>
    at >= text.length || text[at] === '\n' || text[at] === '\r' || text.startsWith(delimiter, at);

  /** Where a quoted field ends, and its value; `stray`: where text follows a quote; nothing when the text ends before. */
  function quoted(from: number): { value: string; after: number } | { stray: number } | undefined {
    let value = '';
    for (let at = from + 1; ; ) {
      const quote = text.indexOf('"', at);
      if (quote < 0 || (quote + 1 === text.length && !isEnd)) return undefined;
      if (text[quote + 1] === '"') {
        value += text.slice(at, quote + 1);
        at = quote + 2;
        continue;
      }
      value += text.slice(at, quote);
      let after = quote + 1;
      // Half a delimiter, or blanks, that the text ends with.
      while (text[after] === ' ' && !text.startsWith(delimiter, after)) after++;
      if (!isEnd && after + delimiter.length > text.length && !text.slice(after).match(/[\r\n]/)) return undefined;
      return isFieldEnd(after) ? { value, after } : { stray: quote + 1 };
    }
  }

  return {
    /** The row at a place; nothing when it is not whole yet. */
    rowAt(start: number): Scanned | undefined {
      const values: string[] = [];
      /** Line breaks inside quoted values. */
      let inner = 0;
      for (let at = start; ; ) {
        if (values.length > maxValues) throw new RangeError(`more than ${maxValues} delimiters`);
        let end: number;
        if (text[at] === '"') {
          const field = quoted(at);
          if (field === undefined && !isEnd) return undefined;
          if (field === undefined || 'stray' in field) return broken(at, values, inner, field?.stray);
          values.push(field.value);
          inner += breaksIn(field.value);
          end = field.after;
        } else {
          end = Math.min(nextDelimiter(at), lineEnd(at));
          if (end === text.length && !isEnd) return undefined;
          values.push(text.slice(at, end));
        }
        if (end < text.length && text[end] !== '\n' && text[end] !== '\r') {
          at = end + delimiter.length;
          continue;
        }
        const next = behindBreak(end);
        return next === undefined ? undefined : { values, next, lines: inner + (end < text.length ? 1 : 0) };
      }
    },
  };

  /** The row up to the end of the line on which its stray quote opens; the rest of that line is split as it stands. */
  function broken(at: number, values: string[], inner: number, stray: number | undefined): Scanned | undefined {
    const end = lineEnd(at);
    const next = end === text.length && !isEnd ? undefined : behindBreak(end);
    if (next === undefined) return undefined;
    return {
      values: [...values, ...text.slice(at, end).split(delimiter)],
      next,
      lines: inner + (end < text.length ? 1 : 0),
      opened: inner,
      ...(stray !== undefined && { closed: inner + breaksIn(text.slice(at, stray)) }),
    };
  }
}

/** Line breaks, of any kind, in a text. */
function breaksIn(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  return text.match(/\r\n?|\n/g)?.length ?? 0;
}
