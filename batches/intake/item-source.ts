import type { Header } from '../../formats/format.ts';
import type { ItemStream } from '../../formats/items.ts';
import type { StoredItem } from '../store/payload.ts';

/** The properties of posted items that are known only when all have been read. */
export interface SourceFacts {
  /** The columns, if the format has columns. */
  header?: Header | undefined;
  /** Returns the hexadecimal SHA-256 of the request. It must match when an idempotency key is repeated. */
  bodyHash: () => string;
}

/**
 * Yields groups of items in order, and at the end returns the facts. An empty group means that bytes arrived, but no
 * complete item.
 */
export type ItemSource = AsyncGenerator<StoredItem[], SourceFacts, undefined>;

export async function* withFacts(items: ItemStream, facts: () => SourceFacts): ItemSource {
  yield* items;
  return facts();
}

/** Passes all items to `take`, and returns the facts. Closes the source when `take` throws. */
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
