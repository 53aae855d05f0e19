import type { Header } from '../../formats/format.ts';
import type { ItemStream } from '../../formats/items.ts';
import type { StoredItem } from '../store/payload.ts';

/** The facts about items that are known once all of them have been read. */
export interface SourceFacts {
  /** Columns of the file that the items came in, if its format has columns. */
  header?: Header | undefined;
  /** Returns the SHA-256 that identifies the request, in hexadecimal. Equal requests with one idempotency key are one batch. */
  bodyHash: () => string;
}

/** Lists of items in order. An empty list means that bytes arrived but no complete item. Ends with the facts. */
export type ItemSource = AsyncGenerator<StoredItem[], SourceFacts, undefined>;

/** Passes items on, and ends with facts about them. */
export async function* withFacts(items: ItemStream, facts: () => SourceFacts): ItemSource {
  yield* items;
  return facts();
}

/** Reads items to their end, and returns the facts. When `take` throws, the source is closed. */
export async function readSource(
  source: ItemSource,
  take: (items: StoredItem[]) => Promise<void> | void,
): Promise<SourceFacts> {
  try {
    for (;;) {
      const next = await source.next();
      if (next.done) return next.value;
      await take(next.value);
    }
  } catch (error) {
    await source.return({ bodyHash: () => '' }).catch(() => {});
    throw error;
  }
}
