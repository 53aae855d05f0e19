import type { BatchRecord } from '../../store/record.ts';
import { knownAs } from '../known-indexes.ts';
import type { Source } from '../read-chunks.ts';
import { createSelector } from '../selection.ts';
import { inIndexOrder, type ReadAhead } from '../stream.ts';
import type { MeetsRule } from './rule.ts';

const ahead: ReadAhead = { chunks: 16, bytes: 4 * 1024 * 1024 };

/** Finds the items of a batch whose id or text contains a certain text. */
export interface Matches {
  /** Returns undefined unless this process has searched the batch for the text before. */
  known(): MeetsRule | undefined;
  /**
   * Reads the whole batch, and remembers which items contain the text. Returns undefined for a running batch, where
   * each new result would require another search.
   */
  find(): Promise<MeetsRule | undefined>;
}

export function createMatches(source: Source, batch: BatchRecord, q: string): Matches {
  const { known } = source;
  const knownKey = knownAs(batch);
  const key = `${knownKey} ${q.toLowerCase()}`;

  async function search(): Promise<Uint8Array> {
    const contains = createSelector({ q });
    const bits = new Uint8Array(Math.ceil(batch.total / 8));
    for await (const group of inIndexOrder(source, batch, true, ahead)) {
      for (const { results, items } of group) {
        for (const [at, result] of results.entries()) {
          const { index } = result;
          if (contains(result, items[at])) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
        }
      }
    }
    known?.matches.set(key, bits);
    return bits;
  }

  return {
    known: () => bitsOf(known?.matches.get(key)),
    async find() {
      if (known === undefined || knownKey === undefined) return undefined;
      return bitsOf(known.matches.get(key) ?? (await known.searching(key, search)));
    },
  };
}

const bitsOf = (bits: Uint8Array | undefined): MeetsRule | undefined =>
  bits && ((index) => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1);
