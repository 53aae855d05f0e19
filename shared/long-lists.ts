/** A list that is longer than its schema allows, or with which all lists together have too many entries. */
export interface LongList {
  /** Its path from the root, such as `queries.0.content`. */
  path: string;
  /** Its length, or the entries of all lists so far. */
  length: number;
}

/**
 * All lists of a value together may have this many times the entries of one list: a score request has two sides of
 * pairs, and each entry may be a list of parts.
 */
const inAll = 4;

/**
 * Returns the first list in a JSON value that is longer than `most`, or with which all lists together have too many
 * entries. Call it before validation, which creates an error for each wrong entry: a list of sixteen million numbers in
 * place of texts would create sixteen million errors, too many for memory. The value may be nested as deep as a parsed
 * body.
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
