/** Values to set in a query, by name. Undefined and the empty text remove the name from the query. */
export type QueryChanges = Record<string, string | undefined>;

/** Returns the number that a query has under a name; undefined when the name is absent or its value is not a number. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  return value === null || value.trim() === '' || !Number.isFinite(Number(value)) ? undefined : Number(value);
}
