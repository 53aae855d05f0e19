import type { StoredItem } from '../../batches/store/payload.ts';

/** Rows in groups of any requested size. */
export interface Rows {
  /** Returns the next `count` rows, or fewer at the end of the source. */
  take(count: number): Promise<StoredItem[]>;
}

export function createRows(source: AsyncGenerator<StoredItem[]>): Rows {
  let ready: StoredItem[] = [];
  return {
    async take(count) {
      while (ready.length < count) {
        const next = await source.next();
        if (next.done) break;
        ready = ready.concat(next.value);
      }
      const taken = ready.slice(0, count);
      ready = ready.slice(count);
      return taken;
    },
  };
}
