import { createFairBytes, type FairBytes } from '../shared/fair-bytes.ts';
import type { ReadItem } from './items.ts';

const MiB = 1024 * 1024;

/**
 * Limits the memory of incomplete lines, rows and items over all uploads, of which 16 could otherwise occupy 512 MiB.
 * Each owner (tenant or client) is guaranteed the longest line, 32 MiB.
 */
export const createPendingBudget = (bytes = 128 * MiB, guaranteedBytes = 40 * MiB, patienceMs = 20_000): FairBytes =>
  createFairBytes({
    ...{ bytes, guaranteedBytes, hardBytes: 2 * bytes, unitBytes: MiB, patienceMs },
    refusal: () => `The ${bytes / MiB} MiB of memory for uploads with very long lines are full; retry shortly`,
  });

/** Calls `release` when reading ends, also after an error. */
export async function* releasing(items: AsyncIterable<ReadItem[]>, release: () => void): AsyncGenerator<ReadItem[]> {
  try {
    yield* items;
  } finally {
    release();
  }
}
