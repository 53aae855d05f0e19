import { postBatch, whenEnded } from '../batch-client.ts';

/** Posts batches, and knows what must come of them. */
export interface Poster {
  post(items: number): Promise<void>;
  /** Items that were accepted. */
  posted(): number;
  /** Waits until every batch has ended; how many items have no score then. */
  lost(): Promise<number>;
}

export function createPoster(base: string): Poster {
  const batches: string[] = [];
  let posted = 0;
  return {
    async post(items) {
      batches.push(await postBatch(base, items));
      posted += items;
    },
    posted: () => posted,
    async lost() {
      let scored = 0;
      for (const id of batches) scored += await whenEnded(base, id);
      return posted - scored;
    },
  };
}
