import type { StoredItem } from '../../batches/store/payload.ts';

/** Rows by the number asked for, whatever the number they come in. */
export interface Rows {
  /** The next rows; fewer than asked for at the end. */
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
