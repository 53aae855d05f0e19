/**
 * A list that {@link longListIn} found. Either this list itself is too long, or all lists up to and including this list
 * have too many entries together.
 */
export interface LongList {
  /** The path of the list from the root, such as `queries.0.content`. */
  path: string;
  /**
   * The length of the list if the list itself is too long; otherwise the sum of the lengths of all lists up to and
   * including this list.
   */
  length: number;
}

/**
 * The factor by which the entries of all lists together may exceed `most`. A score request has two sides, and each
 * entry of a side may be a list of parts.
 */
const inAll = 4;

/**
 * Returns the first list in a JSON value that has more than `most` entries. Also returns the list at which the sum of
 * the lengths of all lists so far exceeds {@link inAll} times `most`. The function is called before validation, because
 * validation creates an error for each wrong entry: a list of sixteen million numbers instead of texts would create
 * sixteen million errors, too many for memory. The value may be nested as deeply as a parsed body.
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
