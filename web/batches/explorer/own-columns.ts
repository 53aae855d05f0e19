import type { ItemResult } from '../../../shared/contracts/item.ts';

/** Columns of the input that are shown when the user has chosen none. */
const shownFirst = 2;
/** The maximum number of columns in the menu. A file may name other columns in each row. */
const maxKnown = 1_000;

/** Adds the columns of these pairs to the known ones. In JSON, each pair may have other columns. */
export function addColumns(known: Set<string>, results: readonly Pick<ItemResult, 'metadata'>[]): void {
  for (const { metadata } of results) {
    for (const name in metadata) if (known.size < maxKnown) known.add(name);
  }
}

export const shownColumns = (asked: readonly string[] | undefined, known: readonly string[]): readonly string[] =>
  asked ?? known.slice(0, shownFirst);

/** Returns the columns in the menu: the known ones, then columns of the URL that no loaded pair has. */
export const offeredColumns = (known: readonly string[], shown: readonly string[]): string[] => [
  ...new Set([...known, ...shown]),
];

/** Returns the value of the URL for these columns. */
export const columnsToQuery = (names: readonly string[]): string => JSON.stringify(names);

/** Reads the columns of the URL. URLs of earlier releases have names that are separated by commas. */
export function columnsInQuery(value: string): string[] {
  try {
    const names: unknown = JSON.parse(value);
    if (Array.isArray(names)) return [...new Set(names.map(String))];
  } catch {
    // The value has the earlier form.
  }
  return [...new Set(value.split(',').filter(Boolean))];
}
