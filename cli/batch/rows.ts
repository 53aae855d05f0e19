import type { StoredItem } from '../../batches/store/payload.ts';

/** Reads rows in groups of any size, independent of the groups in which their source yields them. */
export interface Rows {
  /** Returns the next rows; fewer than requested only at the end. */
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
