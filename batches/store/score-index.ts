import { createHash } from 'node:crypto';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Code } from '../../shared/errors.ts';

/**
 * The index of scores: an entry of four bytes for each item with an outcome, in index order. It selects and orders
 * results without reading them. Commit writes it, in the same step as the results.
 *
 * The three highest bits of an entry are its kind. An item without an outcome has 0. A scored item has its cosine in
 * millionths, which is exact: cosines have six decimals, and scores the four that follow from them.
 */
const kinds = { none: 0, scored: 1, failed: 2, answered: 3 } as const;
const kindShift = 29;
const valueMask = 2 ** kindShift - 1;

/** Millionths of a cosine are stored with this offset, so that they are not negative. */
export const cosineSteps = 1_000_000;

/** The entries of scored items have this value or a higher one, in the order of their cosines. */
const scoredFrom = kinds.scored * 2 ** kindShift;

/** Returns the entry of a scored item. @param millionths of its cosine. */
export const scoredEntry = (millionths: number): number => scoredFrom + millionths + cosineSteps;

/** Returns the cosine of a scored item in millionths; undefined for other items. */
export const millionthsOf = (entry: number): number | undefined =>
  entry >>> kindShift === kinds.scored ? (entry & valueMask) - cosineSteps : undefined;

/** Returns the entry of items that failed with a code. Codes are hashed: their numbers must outlive changes of the list. */
export const failedEntry = (code: Code): number =>
  kinds.failed * 2 ** kindShift + (createHash('sha256').update(code).digest().readUInt32LE() & valueMask);

/** Returns the lowest entry of failed or answered items. */
export const firstEntry = (kind: 'failed' | 'answered'): number => kinds[kind] * 2 ** kindShift;

/** Returns the highest entry of failed or answered items. */
export const lastEntry = (kind: 'failed' | 'answered'): number => firstEntry(kind) + valueMask;

function entryOf(result: ItemResult): number {
  if (result.status === 'succeeded') return scoredEntry(Math.round(result.cosine * cosineSteps));
  if (result.status === 'failed') return failedEntry(result.error.code);
  return result.status === 'answered' ? kinds.answered * 2 ** kindShift : 0;
}

export const bytesPerEntry = 4;
/**
 * Items of one string of the index. A string is allocated at once, so it must be small, and its size is just below a
 * size class of Redis' allocator (256 KiB).
 */
export const itemsPerSegment = 65_000;

/** Entries that lie in one segment. */
export interface Entries {
  /** Index of the first item of the segment. */
  segment: number;
  /** Offset in the segment, in bytes. */
  at: number;
  bytes: Buffer;
}

/** Returns the entries of a chunk's results, in parts that lie in one segment each. */
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

/** Returns the index of a chunk's first item as the list of offsets has it. Zero means that the chunk is not indexed. */
export function offsetEntry(index: number): Buffer {
  const bytes = Buffer.alloc(bytesPerEntry);
  bytes.writeUInt32LE(index + 1);
  return bytes;
}

/** Returns the numbers of a string that Redis stores as unsigned 32-bit integers. */
export function numbersOf(bytes: Buffer | null): Uint32Array {
  if (bytes === null) return new Uint32Array();
  // A copy, since a buffer of a reply need not be aligned.
  return new Uint32Array(new Uint8Array(bytes).buffer, 0, Math.floor(bytes.length / bytesPerEntry));
}
