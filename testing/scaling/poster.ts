import { postBatch, whenEnded } from '../batch-client.ts';

export interface Poster {
  post(items: number): Promise<void>;
  posted(): number;
  /** Waits for the end of all batches. Returns the number of items without a score. */
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
