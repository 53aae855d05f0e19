/**
 * The list that {@link longListIn} found: it is too long itself, or it brings the total number of entries of all lists
 * above the limit.
 */
export interface LongList {
  /** The path of the list from the root, such as `queries.0.content`. */
  path: string;
  /**
   * The length of the list if it is too long itself; otherwise the number of entries of all lists up to and including
   * it.
   */
  length: number;
}

/**
 * The lists of a value may have this many times `most` entries in total: a score request has two sides of pairs, and
 * each entry may be a list of parts.
 */
const inAll = 4;

/**
 * Returns the first list in a JSON value that has more than `most` entries, or that brings the total number of entries
 * of all lists above {@link inAll} times `most`. Call it before validation, which creates an error for each wrong
 * entry: a list of sixteen million numbers in place of texts would create sixteen million errors, too many for memory.
 * The value may be nested as deeply as a parsed body.
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
