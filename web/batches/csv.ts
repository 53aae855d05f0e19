/** A row of CSV: its fields, and its original text without the line break. */
export interface CsvRow {
  fields: string[];
  raw: string;
}

/** Parses CSV in several strings. Like the service, it treats a quote as special only at the start of a field. */
export interface CsvReader {
  /** Adds a string, and returns the rows that it completes. */
  push(text: string): CsvRow[];
  /** Returns the last row if the file ends without a line break; otherwise an empty list. */
  end(): CsvRow[];
}

type ParserState = 'start' | 'plain' | 'quoted' | 'after-quote';

export function createCsvReader(delimiter = ','): CsvReader {
  let rest = '';
  let scanned = 0;
  let state: ParserState = 'start';

  function push(text: string): CsvRow[] {
    rest += text;
    const rows: CsvRow[] = [];
    let from = 0;
    for (; scanned < rest.length; scanned++) {
      const char = rest[scanned];
      if (state === 'quoted') {
        if (char === '"') state = 'after-quote';
      } else if (char === '"' && state !== 'plain') state = 'quoted';
      else if (char === '\n') {
        add(rows, rest.slice(from, scanned));
        from = scanned + 1;
        state = 'start';
      } else state = char === delimiter ? 'start' : 'plain';
    }
    rest = rest.slice(from);
    scanned -= from;
    return rows;
  }

  function add(rows: CsvRow[], line: string): void {
    const raw = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (raw !== '') rows.push({ raw, fields: fieldsOf(raw, delimiter) });
  }

  return {
    push,
    end() {
      const rows: CsvRow[] = [];
      add(rows, rest);
      rest = '';
      scanned = 0;
      state = 'start';
      return rows;
    },
  };
}

function fieldsOf(raw: string, delimiter: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= raw.length; ) {
    let value = '';
    if (raw[at] === '"') {
      at++;
      for (;;) {
        const quote = raw.indexOf('"', at);
        if (quote === -1) {
          value += raw.slice(at);
          at = raw.length;
          break;
        }
        value += raw.slice(at, quote);
        at = quote + 1;
        if (raw[at] !== '"') break;
        value += '"';
        at++;
      }
    }
    const next = raw.indexOf(delimiter, at);
    const end = next === -1 ? raw.length : next;
    fields.push(value + raw.slice(at, end));
    at = end + 1;
  }
  return fields;
}
