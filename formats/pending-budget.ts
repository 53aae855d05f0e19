import { createFairBytes, type FairBytes } from '../shared/fair-bytes.ts';
import type { ReadItem } from './items.ts';

const MiB = 1024 * 1024;

/**
 * Creates the budget for text that readers hold because the end of its line, row or item has not arrived. An owner is
 * guaranteed the longest line (32 MiB); 16 uploads without the budget could hold 512 MiB.
 */
export const createPendingBudget = (bytes = 128 * MiB, guaranteedBytes = 40 * MiB, patienceMs = 20_000): FairBytes =>
  createFairBytes({
    ...{ bytes, guaranteedBytes, hardBytes: 2 * bytes, unitBytes: MiB, patienceMs },
    refusal: () => `Unfinished lines of uploads fill the memory for them, ${bytes / MiB} MiB`,
  });

/** Passes items on, and calls `release` when their reading ends in any way. */
export async function* releasing(items: AsyncIterable<ReadItem[]>, release: () => void): AsyncGenerator<ReadItem[]> {
  try {
    yield* items;
  } finally {
    release();
  }
}
