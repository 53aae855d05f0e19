import { isTwoByte } from '../pending.ts';

/** A row of CSV, as text values. */
export interface CsvRow {
  values: string[];
  /** The number of the line on which the row begins. The first line of the file is 1. */
  line: number;
  /**
   * Set when a quote in this row is not closed correctly. `opened` is the number of the line with the opening quote.
   * `closed` is the number of the line on which text follows the closing quote; it is undefined when there is no
   * closing quote.
   */
  fault?: { opened: number; closed: number | undefined };
}

/** A reader of CSV rows from text that arrives in parts of any size. */
export interface CsvRowReader {
  /** The number of characters of the incomplete row. */
  readonly pending: number;
  /** The memory of the incomplete row, in bytes. */
  readonly pendingBytes: number;
  /** Yields the rows that are complete after this text has been added. */
  push(text: string): Generator<CsvRow>;
  /** Yields the last row if it has no line break. */
  end(): Generator<CsvRow>;
}

/**
 * The maximum length in characters of an incomplete row that is scanned again from its start whenever more text
 * arrives.
 */
const smallRow = 64 * 1024;

/**
 * Creates a reader of CSV rows. A row ends with CR, LF or both, and a file may mix them. A quote has a meaning only at
 * the start of a field, and must be closed directly before a delimiter or a line break. If it is not closed correctly,
 * only the line with the opening quote fails. The next line is read as a new row, so that this quote does not affect
 * later rows.
 * @param maxValues the maximum number of delimiters in a row.
 * @throws {RangeError} for a row with more delimiters.
 */
export function createCsvRows(delimiter: string, maxValues: number): CsvRowReader {
  let parts: string[] = [];
  let pending = 0;
  let isWide = false;
  /**
   * The minimum length of the incomplete row at which it is scanned again. It doubles after each scan, so that the
   * total work is proportional to the length of the row.
   */
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

/**
 * Skips empty lines. Returns their number and the offset after them. Reading them as rows would take 60 ms per
 * megabyte. It stops before a CR at the end of the text, because an LF that follows it would belong to the same line
 * break.
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
  /** The offset at which the next row begins. */
  next: number;
  /** The number of line breaks in this row, including the one at its end. */
  lines: number;
  /**
   * The position of a quote that is not closed correctly, in lines after the start of the row. `opened` is the line of
   * the opening quote. `closed` is the line of the text that follows the closing quote.
   */
  opened?: number;
  closed?: number;
}

function createScan(text: string, delimiter: string, isEnd: boolean, maxValues: number) {
  const find = (what: string, from: number) => {
    const found = text.indexOf(what, from);
    return found < 0 ? text.length : found;
  };
  // The offsets of the next LF, CR and delimiter. A character is searched for again only after its last offset was
  // passed. Most files have no CR, and each search for a CR would read the whole text.
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
  /**
   * Returns the offset after a line break. Returns undefined for a CR at the end of the text, because the next text may
   * begin with its LF.
   */
  const behindBreak = (at: number): number | undefined => {
    if (at >= text.length) return text.length;
    if (text[at] === '\n') return at + 1;
    if (at + 1 === text.length && !isEnd) return undefined;
    return text[at + 1] === '\n' ? at + 2 : at + 1;
  };
  const isFieldEnd = (at: number) =>
    at >= text.length || text[at] === '\n' || text[at] === '\r' || text.startsWith(delimiter, at);

  /**
   * Returns the value of a quoted field and the offset after the field. If other text follows the closing quote,
   * returns only the offset of that text, as `stray`. Returns undefined when the text ends within the field.
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
      // Spaces after the closing quote are skipped. At the end of the text, a delimiter of several characters may be
      // incomplete.
      while (text[after] === ' ' && !text.startsWith(delimiter, after)) after++;
      if (!isEnd && after + delimiter.length > text.length && !text.slice(after).match(/[\r\n]/)) return undefined;
      return isFieldEnd(after) ? { value, after } : { stray: quote + 1 };
    }
  }

  return {
    /** Returns the row at an offset, or undefined when it is incomplete. */
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
   * Returns a row with a quote that is not closed correctly. The row ends at the end of the line with the opening
   * quote. From this quote on, the line is split at delimiters, and further quotes have no meaning.
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

/** Counts the line breaks of all kinds in a text. */
function breaksIn(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  return text.match(/\r\n?|\n/g)?.length ?? 0;
}
