import { createHash } from 'node:crypto';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Code } from '../../shared/errors.ts';

/**
 * The index of scores has an entry of four bytes for each item, in index order. With the index, results can be selected
 * and sorted without being read. The script that commits a chunk writes its entries together with its results.
 *
 * The three highest bits of an entry are its kind. An item without an outcome has the entry 0. For a scored item, the
 * other bits are the cosine in millionths. The entry is exact, because a cosine has six decimals. The score has four
 * decimals and can be computed from the cosine.
 */
const kinds = { none: 0, scored: 1, failed: 2, answered: 3 } as const;
const kindShift = 29;
const valueMask = 2 ** kindShift - 1;

/**
 * The number of millionths in a cosine of 1. It is added to each stored cosine, so that no stored number is negative.
 */
export const cosineSteps = 1_000_000;

/** The lowest possible entry of a scored item. Entries of scored items are ordered by cosine. */
const scoredFrom = kinds.scored * 2 ** kindShift;

/** Returns the entry for a scored item. @param millionths the cosine in millionths. */
export const scoredEntry = (millionths: number): number => scoredFrom + millionths + cosineSteps;

/**
 * Returns the cosine in millionths that the entry of a scored item contains; undefined for the entry of another item.
 */
export const millionthsOf = (entry: number): number | undefined =>
  entry >>> kindShift === kinds.scored ? (entry & valueMask) - cosineSteps : undefined;

/**
 * Returns the entry of an item that failed with a certain error code. The entry contains a hash of the code. The
 * position of the code in the list of all codes would become wrong when the list changes.
 */
export const failedEntry = (code: Code): number =>
  kinds.failed * 2 ** kindShift + (createHash('sha256').update(code).digest().readUInt32LE() & valueMask);

/** Returns the lowest possible entry of failed items, or of answered items. */
export const firstEntry = (kind: 'failed' | 'answered'): number => kinds[kind] * 2 ** kindShift;

/** Returns the highest possible entry of failed items, or of answered items. */
export const lastEntry = (kind: 'failed' | 'answered'): number => firstEntry(kind) + valueMask;

function entryOf(result: ItemResult): number {
  if (result.status === 'succeeded') return scoredEntry(Math.round(result.cosine * cosineSteps));
  if (result.status === 'failed') return failedEntry(result.error.code);
  return result.status === 'answered' ? kinds.answered * 2 ** kindShift : 0;
}

export const bytesPerEntry = 4;
/**
 * The number of items in a segment. A segment is a part of the index that is stored as one Redis string. It must be
 * small, because Redis allocates a string with its full length at once. It is just below 256 KiB, which is a size class
 * of Redis' allocator.
 */
export const itemsPerSegment = 65_000;

/** Consecutive entries of the index of scores that are in the same segment (one Redis string). */
export interface Entries {
  /** The index of the first item of the segment. It identifies the segment. */
  segment: number;
  /** The offset in bytes of the first of these entries within the segment. */
  at: number;
  bytes: Buffer;
}

/**
 * Returns the entries of the results of a chunk for the index of scores. They are divided, because a chunk may extend
 * over two segments.
 */
export function entriesOf(results: readonly ItemResult[]): Entries[] {
  const parts: Entries[] = [];
  for (let from = 0; from < results.length; ) {
    const index = (results[0]?.index ?? 0) + from;
    const segment = index - (index % itemsPerSegment);
    const count = Math.min(results.length - from, segment + itemsPerSegment - index);
    const bytes = Buffer.alloc(count * bytesPerEntry);
    for (const [at, result] of results.slice(from, from + count).entries()) {
      bytes.writeUInt32LE(entryOf(result), at * bytesPerEntry);
    }
    parts.push({ segment, at: (index - segment) * bytesPerEntry, bytes });
    from += count;
  }
  return parts;
}

/**
 * Returns the value for a chunk in the list of offsets: the index of its first item, plus 1. Zero means that the chunk
 * is not in the index of scores.
 */
export function offsetEntry(index: number): Buffer {
  const bytes = Buffer.alloc(bytesPerEntry);
  bytes.writeUInt32LE(index + 1);
  return bytes;
}

/** Returns the numbers in a Redis string of unsigned 32-bit integers. */
export function numbersOf(bytes: Buffer | null): Uint32Array {
  if (bytes === null) return new Uint32Array();
  // The bytes are copied, because the buffer of a reply may not be aligned to four bytes.
  return new Uint32Array(new Uint8Array(bytes).buffer, 0, Math.floor(bytes.length / bytesPerEntry));
}
