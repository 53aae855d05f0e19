import type { Groups } from '../known-indexes.ts';

/**
 * Finds the item that represents a group of equal items in a query for a text: the first that contains the text. No
 * index contains the texts, so items must be read.
 */
export interface FirstMatches {
  /**
   * Returns those items that represent their group.
   * @param items the indexes of items that contain the text.
   */
  among(items: readonly number[]): Promise<ReadonlySet<number>>;
}

/** The number of items of a group that are read first. If none contains the text, twice as many follow, and so on. */
const firstRead = 2;

/**
 * @param membersOf returns the selected items of certain groups, in the sort order of the query.
 * @param contain returns those of the given items that contain the text.
 */
export function createFirstMatches(
  { of }: Groups,
  membersOf: (groups: ReadonlySet<number>) => Promise<Map<number, number[]>>,
  contain: (items: readonly number[]) => Promise<ReadonlySet<number>>,
): FirstMatches {
  /** Maps a group to its first item that contains the text. */
  const known = new Map<number, number>();

  async function find(wanted: ReadonlySet<number>): Promise<void> {
    if (wanted.size === 0) return;
    const members = await membersOf(wanted);
    let open = [...wanted];
    let from = 0;
    for (let count = firstRead; open.length > 0; from += count, count *= 2) {
      const next = open.map((group) => members.get(group)?.slice(from, from + count) ?? []);
      const found = await contain(next.flat());
      for (const [at, group] of open.entries()) {
        const match = next[at]?.find((item) => found.has(item));
        if (match !== undefined) known.set(group, match);
      }
      open = open.filter((group) => !known.has(group) && (members.get(group)?.length ?? 0) > from + count);
    }
  }

  return {
    async among(items) {
      const groups = items.map((item) => of[item] ?? 0);
      await find(new Set(groups.filter((group) => group > 0 && !known.has(group))));
      return new Set(items.filter((item, at) => groups[at] === 0 || known.get(groups[at] ?? 0) === item));
    },
  };
}
