import type { Bytes } from '../../formats/bytes.ts';

export interface Ends {
  before?: Bytes;
  /** Called after the last group. Its result is sent last. */
  after?: () => Bytes;
}

/**
 * Returns an iterator that writes each group only when the next part is requested. Not a generator, because one that
 * waits keeps its last text and the objects that it came from, several times as large.
 */
export function partsOf<Group>(
  groups: AsyncIterator<Group>,
  write: (group: Group) => Bytes,
  { before = '', after = () => '' }: Ends = {},
): AsyncIterableIterator<Bytes> {
  let state: 'before' | 'groups' | 'done' = 'before';
  const end = (): IteratorResult<Bytes> => ({ done: true, value: undefined });

  async function next(): Promise<IteratorResult<Bytes>> {
    if (state === 'done') return end();
    if (state === 'before') {
      state = 'groups';
      if (before.length > 0) return { value: before };
    }
    for (let group = await groups.next(); !group.done; group = await groups.next()) {
      const value = write(group.value);
      if (value.length > 0) return { value };
    }
    state = 'done';
    const value = after();
    return value.length === 0 ? end() : { value };
  }
  const parts: AsyncIterableIterator<Bytes> = {
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
