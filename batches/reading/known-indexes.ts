import { terminalStates } from '../../shared/contracts/batch.ts';
import type { BatchRecord } from '../store/record.ts';
import { createIndexCache, type IndexCache } from './index-cache.ts';
import { createSharedWork, type SharedWork } from './shared-work.ts';

/** The chunks of a batch that have results. */
export interface ChunkIndex {
  /** `committed`: the committed chunks, ascending. `firsts`: the index of the first item of each of these chunks. */
  committed: Uint32Array;
  firsts: Uint32Array;
  /** Chunks whose items are cancelled, ascending. */
  cancelled: number[];
}

/** Groups of equal items of a batch: items with the same image, or with the same image and text. */
export interface Groups {
  /** The number of the group of each item, from 1; 0 for an item that equals no other. */
  of: Uint32Array;
  count: number;
}

/**
 * Caches indexes of batches that have ended. Such indexes no longer change, so each process may have its own cache.
 * Callers read the record of a batch first: a deleted batch has none, and its cached indexes are then not used.
 */
export interface KnownIndexes {
  chunks: IndexCache<ChunkIndex>;
  /** The segments of the index of scores. Readers share them, so they must not be changed. */
  scores: IndexCache<readonly Uint32Array[]>;
  groups: IndexCache<Groups>;
  /** Bitmaps of the items that contain a text. */
  matches: IndexCache<Uint8Array>;
  /** Searches for a text, in one batch at a time. */
  searching: SharedWork<Uint8Array>;
  /** Finds the groups of one batch at a time, because this takes up to 30 bytes of memory per item. */
  grouping: SharedWork<Groups>;
}

/**
 * The maximum memory of the cached indexes of scores, in bytes; it suffices for four million items. Reading the index
 * of a million items from Redis takes several times as long as searching it.
 */
export const scoreBytes = 16 * 1024 * 1024;
const groupBytes = 16 * 1024 * 1024;
const matchBytes = 4 * 1024 * 1024;
const chunkBytes = 4 * 1024 * 1024;

export const createKnownIndexes = (): KnownIndexes => ({
  chunks: createIndexCache(chunkBytes, ({ committed, firsts, cancelled }) => {
    return committed.byteLength + firsts.byteLength + 8 * cancelled.length;
  }),
  scores: createIndexCache(scoreBytes, (segments) => segments.reduce((sum, { byteLength }) => sum + byteLength, 0)),
  groups: createIndexCache(groupBytes, ({ of }) => of.byteLength),
  grouping: createSharedWork(),
  matches: createIndexCache(matchBytes, ({ byteLength }) => byteLength),
  searching: createSharedWork(),
});

/**
 * Returns the key of the cache for the indexes of a batch; undefined while the batch is running. The key contains the
 * time of the end: a Redis that has lost its last second evaluates some items again, so the batch ends a second time.
 */
export const knownAs = ({ id, state, finishedAt }: Pick<BatchRecord, 'id' | 'state' | 'finishedAt'>) =>
  terminalStates.has(state) && finishedAt !== undefined ? `${id} ${finishedAt}` : undefined;
