import { setTimeout as delay } from 'node:timers/promises';
import { ndjsonItems } from '../processes/items.ts';

/** Posts batches, and knows what must come of them. */
export interface Poster {
  post(items: number): Promise<void>;
  /** Items that were accepted. */
  posted(): number;
  /** Waits until every batch has ended; how many items have no score then. */
  lost(): Promise<number>;
}

interface Status {
  finishedAt: string | null;
  items: { succeeded: number };
}

export function createPoster(base: string): Poster {
  const url = `${base}/evaluator/v1/evaluation/batch`;
  const headers = { 'content-type': 'application/x-ndjson' };
  const batches: string[] = [];
  let posted = 0;

  async function end(id: string): Promise<number> {
    for (;;) {
      const { finishedAt, items } = (await (await fetch(`${url}/${id}`)).json()) as Status;
      if (finishedAt !== null) return items.succeeded;
      await delay(100);
    }
  }

  return {
    async post(items) {
      const response = await fetch(url, { method: 'POST', headers, body: [...ndjsonItems(items)].join('') });
      if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
      batches.push(((await response.json()) as { id: string }).id);
      posted += items;
    },
    posted: () => posted,
    async lost() {
      let scored = 0;
      for (const id of batches) scored += await end(id);
      return posted - scored;
    },
  };
}
