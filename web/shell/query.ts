/** Values to set in a query. Undefined or an empty string removes the name. */
export type QueryChanges = Record<string, string | undefined>;

/** Returns the number that a query has under a name; undefined if it is absent or not a number. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  return value === null || value.trim() === '' || !Number.isFinite(Number(value)) ? undefined : Number(value);
}

/** Returns a threshold of a query, from 0 to 100. An edited URL may have a number that no score can be. */
export function thresholdIn(query: URLSearchParams, name = 'threshold'): number | undefined {
  const value = numberIn(query, name);
  return value === undefined ? undefined : Math.min(100, Math.max(0, value));
}
