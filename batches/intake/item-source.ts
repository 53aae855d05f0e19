import type { Header } from '../../formats/format.ts';
import type { ItemStream } from '../../formats/items.ts';
import type { StoredItem } from '../store/payload.ts';

/** The facts about items that are known once all of them have been read. */
export interface SourceFacts {
  /** The columns of the posted table, if the format has columns. */
  header?: Header | undefined;
  /**
   * Returns the SHA-256 of the request in hexadecimal. Requests with the same idempotency key and the same hash get the
   * same batch.
   */
  bodyHash: () => string;
}

/**
 * Yields lists of items in order. An empty list means that bytes have arrived, but no complete item yet. Returns the
 * facts at the end.
 */
export type ItemSource = AsyncGenerator<StoredItem[], SourceFacts, undefined>;

/** Passes items on unchanged, and returns the facts about them at the end. */
export async function* withFacts(items: ItemStream, facts: () => SourceFacts): ItemSource {
  yield* items;
  return facts();
}

/**
 * Passes all items of a source to `take`, and returns the facts. When `take` throws, closes the source and throws the
 * error.
 */
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
