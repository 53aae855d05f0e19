import type { FormatName } from '../shared/formats.ts';

/** Counts the rows of a result file from its bytes. */
export interface RowCounter {
  add(bytes: Uint8Array): void;
  rows(): number;
}

const lineFeed = 0x0a;
const quote = 0x22;

/**
 * Returns a counter for a text format, or undefined for Parquet. The line of column names does not count, and a line
 * break inside quotes does not end a row.
 */
export function rowCounter(format: FormatName): RowCounter | undefined {
  if (format === 'parquet') return undefined;
  const isTable = format === 'csv' || format === 'tsv';
  let lines = 0;
  let isQuoted = false;
  let last = lineFeed;
  return {
    add(bytes) {
      for (const byte of bytes) {
        if (byte === quote && isTable) isQuoted = !isQuoted;
        else if (byte === lineFeed && !isQuoted) lines++;
      }
      last = bytes.at(-1) ?? last;
    },
    rows: () => Math.max(0, lines + (last === lineFeed ? 0 : 1) - (isTable ? 1 : 0)),
  };
}
