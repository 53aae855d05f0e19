import type { Header } from '../../formats/format.ts';
import type { ItemStream } from '../../formats/items.ts';
import type { StoredItem } from '../store/payload.ts';

/** The properties of a posted list of items that are known only when all items have been read. */
export interface SourceFacts {
  /** The columns of the posted table, if the format has columns. */
  header?: Header | undefined;
  /**
   * Returns the hexadecimal SHA-256 of the request. Requests with the same idempotency key and the same hash get the
   * same batch.
   */
  bodyHash: () => string;
}

/**
 * Yields groups of items, in order. An empty group means that bytes have arrived but no further item is complete yet.
 * At the end, the generator returns the facts (columns and hash) about the whole list.
 */
export type ItemSource = AsyncGenerator<StoredItem[], SourceFacts, undefined>;

/** Yields the items unchanged, and at the end returns the facts (columns and hash) about the whole list. */
export async function* withFacts(items: ItemStream, facts: () => SourceFacts): ItemSource {
  yield* items;
  return facts();
}

/**
 * Passes all items of a source to `take`, and returns the facts about them (columns and hash). When `take` throws, this
 * function closes the source and throws the same error.
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
