/** A list that is longer than a contract allows, or the last one of too many. */
export interface LongList {
  /** Its path from the root, such as `queries.0.content`. */
  path: string;
  /** Its length, or the entries of all lists so far. */
  length: number;
}

/** All lists of a value together may have this multiple of the entries of one: two sides of pairs, with a part in each. */
const inAll = 4;

/**
 * Returns the first list in a value of JSON that is longer than `most`, or with which all lists have too many entries. Look
 * for it before validation, which makes an error for each entry: sixteen million numbers in place of texts would make
 * sixteen million errors, which no memory can hold. The value may nest as deep as a parsed body.
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
