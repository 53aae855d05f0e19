import { createFairBytes, type FairBytes } from '../shared/fair-bytes.ts';
import type { ReadItem } from './items.ts';

const MiB = 1024 * 1024;

/**
 * Creates the budget for text whose line, row or item is incomplete. Each owner is guaranteed the longest possible line
 * (32 MiB). Without the budget, 16 uploads could hold 512 MiB.
 */
export const createPendingBudget = (bytes = 128 * MiB, guaranteedBytes = 40 * MiB, patienceMs = 20_000): FairBytes =>
  createFairBytes({
    ...{ bytes, guaranteedBytes, hardBytes: 2 * bytes, unitBytes: MiB, patienceMs },
    refusal: () => `Incomplete lines of uploads use all of their memory, ${bytes / MiB} MiB`,
  });

/** Forwards items, and calls `release` when reading ends for any reason. */
export async function* releasing(items: AsyncIterable<ReadItem[]>, release: () => void): AsyncGenerator<ReadItem[]> {
  try {
    yield* items;
  } finally {
    release();
  }
}
