import { createHash } from 'node:crypto';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Code } from '../../shared/errors.ts';

/**
 * The score index has four bytes for each item, in index order. With it, results can be selected and sorted without
 * reading them.
 *
 * The three highest bits are the kind; 0 means no outcome. For a scored item, the others are the cosine in millionths,
 * which is exact: a cosine has six decimals, and the score follows from it.
 */
const kinds = { none: 0, scored: 1, failed: 2, answered: 3 } as const;
const kindShift = 29;
const valueMask = 2 ** kindShift - 1;

/** The millionths in a cosine of 1. Added to each stored cosine, so that none is negative. */
export const cosineSteps = 1_000_000;

/** The lowest entry of a scored item. These entries are ordered by cosine. */
const scoredFrom = kinds.scored * 2 ** kindShift;

/** Returns the entry for a scored item. @param millionths the cosine in millionths. */
export const scoredEntry = (millionths: number): number => scoredFrom + millionths + cosineSteps;

/** Returns the cosine of a scored item in millionths; undefined for another item. */
export const millionthsOf = (entry: number): number | undefined =>
  entry >>> kindShift === kinds.scored ? (entry & valueMask) - cosineSteps : undefined;

/** Returns the entry of a failed item, with a hash of its error code, because positions in the list of codes change. */
export const failedEntry = (code: Code): number =>
  kinds.failed * 2 ** kindShift + (createHash('sha256').update(code).digest().readUInt32LE() & valueMask);

/** Returns the lowest possible entry of failed or answered items. */
export const firstEntry = (kind: 'failed' | 'answered'): number => kinds[kind] * 2 ** kindShift;

/** Returns the highest possible entry of failed or answered items. */
export const lastEntry = (kind: 'failed' | 'answered'): number => firstEntry(kind) + valueMask;

function entryOf(result: ItemResult): number {
  if (result.status === 'succeeded') return scoredEntry(Math.round(result.cosine * cosineSteps));
  if (result.status === 'failed') return failedEntry(result.error.code);
  return result.status === 'answered' ? kinds.answered * 2 ** kindShift : 0;
}

export const bytesPerEntry = 4;
/**
 * The items of a segment (one Redis string). Redis allocates its full length at once, so it is just below 256 KiB, a
 * size class of the allocator.
 */
export const itemsPerSegment = 65_000;

/** Consecutive entries in one segment. */
export interface Entries {
  /** The index of the first item of the segment. */
  segment: number;
  /** The offset of these entries in the segment, in bytes. */
  at: number;
  bytes: Buffer;
}

/** Returns the entries of a chunk, divided because it may extend over two segments. */
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
 * Returns the value of a chunk in the list of offsets: the index of its first item, plus 1. Zero means that the score
 * index does not include it.
 */
export function offsetEntry(index: number): Buffer {
  const bytes = Buffer.alloc(bytesPerEntry);
  bytes.writeUInt32LE(index + 1);
  return bytes;
}

/** Returns the numbers in a Redis string of unsigned 32-bit integers. */
export function numbersOf(bytes: Buffer | null): Uint32Array {
  if (bytes === null) return new Uint32Array();
  // Copied, because the buffer of a reply may not be aligned.
  return new Uint32Array(new Uint8Array(bytes).buffer, 0, Math.floor(bytes.length / bytesPerEntry));
}
