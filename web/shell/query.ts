/** Values to set in the query. Undefined and the empty text remove a name. */
export type QueryChanges = Record<string, string | undefined>;

/** Reads a number of a query; undefined when it is absent or not a number. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  return value === null || value.trim() === '' || !Number.isFinite(Number(value)) ? undefined : Number(value);
}
