import type { CsvRow } from './rows.ts';

/**
 * Returns the reason why a row becomes a failed item; undefined if it has every value.
 * @param columns the number of columns in the header.
 * @param needed the number of values up to the last of image and text.
 */
export function rowFault({ values, fault }: CsvRow, columns: number, needed: number): string | undefined {
  const extra = values.slice(columns).map((value) => JSON.stringify(value));
  const unnamed = extra.length === 0 ? '' : `; these values have no column: ${extra.join(', ')}`;
  if (fault !== undefined) return `${quoteFault(fault)}${unnamed}`;
  if (extra.length === 0 && values.length >= needed) return undefined;
  return `has ${values.length} ${values.length === 1 ? 'column' : 'columns'}, the header has ${columns}${unnamed}`;
}

export function quoteFault({ opened, closed }: NonNullable<CsvRow['fault']>): string {
  const opens = `a quote opens on line ${opened}`;
  return closed === undefined
    ? `${opens} and is never closed; inside a quoted cell, write each quote twice`
    : `${opens}, and text follows the closing quote on line ${closed}; inside a quoted cell, write each quote twice`;
}
