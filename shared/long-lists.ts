/**
 * The list at which {@link longListIn} found too many entries: in the list itself, or in all lists up to it together.
 */
export interface LongList {
  /** The path of the list from the root, such as `queries.0.content`. */
  path: string;
  /** The length of the list if it is too long; otherwise the sum of all lengths up to it. */
  length: number;
}

/**
 * The factor by which all lists together may exceed `most`. Both sides of a score request may have lists of parts as
 * entries.
 */
const inAll = 4;

/**
 * Returns the first list in a JSON value with more than `most` entries, or at which all entries so far exceed {@link
 * inAll} times `most`. Must run before validation, which creates an error for each wrong entry: sixteen million numbers
 * instead of texts would not fit into memory.
 */
export function longListIn(value: unknown, most: number): LongList | undefined {
  let entries = 0;
  const find = (within: unknown, path: string): LongList | undefined => {
    if (typeof within !== 'object' || within === null) return undefined;
    if (Array.isArray(within)) {
      entries += within.length;
      if (within.length > most) return { path, length: within.length };
      if (entries > inAll * most) return { path, length: entries };
    }
    for (const [name, entry] of Object.entries(within)) {
      const found = find(entry, path === '' ? name : `${path}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(value, '');
}
