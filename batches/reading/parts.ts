export interface Ends {
  /** Sent before everything else. */
  before?: string;
  /** Sent after everything else; asked for then. */
  after?: () => string;
}

/**
 * Text that is made of groups when it is asked for. It is an object and not a generator, as a generator that waits keeps
 * its locals alive: the last text, and the objects that it was made of, which take several times as much. A hundred
 * readers wait at the same time.
 */
export function partsOf<Group>(
  groups: AsyncIterator<Group>,
  write: (group: Group) => string,
  { before = '', after = () => '' }: Ends = {},
): AsyncIterableIterator<string> {
  let state: 'before' | 'groups' | 'done' = 'before';
  const end = (): IteratorResult<string> => ({ done: true, value: undefined });

  async function next(): Promise<IteratorResult<string>> {
    if (state === 'done') return end();
    if (state === 'before') {
      state = 'groups';
      if (before !== '') return { value: before };
    }
    for (let group = await groups.next(); !group.done; group = await groups.next()) {
      const value = write(group.value);
      if (value !== '') return { value };
    }
    state = 'done';
    const value = after();
    return value === '' ? end() : { value };
  }
  const parts: AsyncIterableIterator<string> = {
    next,
    async return() {
      state = 'done';
      await groups.return?.();
      return end();
    },
    [Symbol.asyncIterator]: () => parts,
  };
  return parts;
}
