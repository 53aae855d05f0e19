import { isTwoByte } from '../pending.ts';

export interface CsvRow {
  values: string[];
  /** The line on which the row begins, counted from 1. */
  line: number;
  /**
   * Set when a quote is not closed correctly. `opened` is the line of that quote. `closed` is the line on which text
   * follows the closing quote, or undefined without one.
   */
  fault?: { opened: number; closed: number | undefined };
}

/** Reads CSV rows from text that arrives in pieces of any size. */
export interface CsvRowReader {
  /** The number of characters of the incomplete row. */
  readonly pending: number;
  /** The memory of the incomplete row, in bytes. */
  readonly pendingBytes: number;
  /** Adds text, and yields the rows that it completes. */
  push(text: string): Generator<CsvRow>;
  /** Yields a last row without a line break. */
  end(): Generator<CsvRow>;
}

/** An incomplete row of fewer characters is scanned again with every new text. */
const smallRow = 64 * 1024;

/**
 * Creates a reader of CSV rows, which CR, LF or CRLF ends. A quote opens only at the start of a field, and must close
 * directly before a delimiter or line break. Otherwise only its line fails, and the next line starts a new row.
 * @param firstLine the number of the first line of the text.
 * @throws {RangeError} for a row with more than `maxValues` delimiters.
 */
export function createCsvRows(delimiter: string, maxValues: number, firstLine = 1): CsvRowReader {
  let parts: string[] = [];
  let pending = 0;
  let isWide = false;
  /** The length at which the incomplete row is rescanned. It doubles each time, which keeps the total work linear. */
  let enough = 0;
  let line = firstLine;

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

/**
 * Skips empty lines: reading them as rows takes 60 ms per megabyte. Stops before a final CR, whose LF may still arrive.
 */
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
  next: number;
  /** The number of line breaks in this row, including the one at its end. */
  lines: number;
  /**
   * Lines after the start of the row: of a quote that is not closed correctly, and of the text after its closing quote.
   */
  opened?: number;
  closed?: number;
}

function createScan(text: string, delimiter: string, isEnd: boolean, maxValues: number) {
  const find = (what: string, from: number) => {
    const found = text.indexOf(what, from);
    return found < 0 ? text.length : found;
  };
  // The offsets of the next LF, CR and delimiter, searched again only when passed. Searching for a CR, which most files
  // lack, reads the whole text.
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
  /** Returns the offset after a line break, or undefined for a final CR whose LF may still arrive. */
  const behindBreak = (at: number): number | undefined => {
    if (at >= text.length) return text.length;
    if (text[at] === '\n') return at + 1;
    if (at + 1 === text.length && !isEnd) return undefined;
    return text[at + 1] === '\n' ? at + 2 : at + 1;
  };
  const isFieldEnd = (at: number) =>
    at >= text.length || text[at] === '\n' || text[at] === '\r' || text.startsWith(delimiter, at);

  /**
   * Returns the value of a quoted field and the offset after it. Returns `stray`, the offset of other text after the
   * closing quote, or undefined for an incomplete field.
   */
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
      // Spaces after the closing quote are skipped. A long delimiter may be incomplete at the end of the text.
      while (text[after] === ' ' && !text.startsWith(delimiter, after)) after++;
      if (!isEnd && after + delimiter.length > text.length && !text.slice(after).match(/[\r\n]/)) return undefined;
      return isFieldEnd(after) ? { value, after } : { stray: quote + 1 };
    }
  }

  return {
    /** Returns the row at an offset, or undefined for an incomplete row. */
    rowAt(start: number): Scanned | undefined {
      const values: string[] = [];
      /** The number of line breaks inside quoted values. */
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

  /**
   * Returns a row with a quote that is not closed correctly. It ends with the line, and from that quote on quotes have
   * no meaning.
   */
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

function breaksIn(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  return text.match(/\r\n?|\n/g)?.length ?? 0;
}
