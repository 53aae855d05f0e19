import { setImmediate } from 'node:timers/promises';
import { digestBytes } from '../../store/image-digests.ts';
import type { Groups } from '../known-indexes.ts';

/** A digest for each item of a batch. Items with the same digest are equal. */
export interface Digests {
  total: number;
  /** The halves of each digest. Both are 0 for an item without a digest, which equals no other item. */
  low: Uint32Array;
  high: Uint32Array;
}

export const createDigests = (total: number): Digests => ({
  total,
  low: new Uint32Array(total),
  high: new Uint32Array(total),
});

export function setDigests({ total, low, high }: Digests, first: number, bytes: Buffer): void {
  const count = Math.min(total - first, Math.floor(bytes.length / digestBytes));
  for (let at = 0; at < count; at++) {
    low[first + at] = bytes.readUInt32LE(digestBytes * at);
    high[first + at] = bytes.readUInt32LE(digestBytes * at + 4);
  }
}

/** The number of items that are grouped, in about 5 ms, before the event loop may do other work. */
const itemsPerTurn = 65_536;

/** Returns the groups of items with the same digest, of at least two items each. */
export async function groupEqual({ total, low, high }: Digests): Promise<Groups> {
  // An open hash table, since a Map of a million entries takes ten times the memory. A value is the index of the first
  // item with a digest, plus 1.
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * Math.max(1, total))));
  const mask = slots.length - 1;
  const of = new Uint32Array(total);
  let count = 0;
  for (let item = 0; item < total; item++) {
    if (item % itemsPerTurn === itemsPerTurn - 1) await setImmediate();
    if (low[item] === 0 && high[item] === 0) continue;
    let slot = (low[item] ?? 0) & mask;
    for (let other = slots[slot] ?? 0; other > 0; other = slots[slot] ?? 0) {
      const first = other - 1;
      if (low[first] === low[item] && high[first] === high[item]) {
        const group = of[first] || ++count;
        of[first] = group;
        of[item] = group;
        break;
      }
      slot = (slot + 1) & mask;
    }
    if (slots[slot] === 0) slots[slot] = item + 1;
  }
  return { of, count };
}
