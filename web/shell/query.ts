/** Values to set in a query. Undefined or an empty string removes the name. */
export type QueryChanges = Record<string, string | undefined>;

/** Returns the number that a query has under a name; undefined if it is absent or not a number. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  return value === null || value.trim() === '' || !Number.isFinite(Number(value)) ? undefined : Number(value);
}
