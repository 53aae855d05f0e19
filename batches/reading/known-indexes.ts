import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { BatchRecord } from '../store/record.ts';
import { createIndexCache, type IndexCache } from './index-cache.ts';
import { createSharedWork, type SharedWork } from './shared-work.ts';

/** Lists the chunks of a batch that have results, and those whose items are cancelled. */
export interface ChunkIndex {
  /** `committed`: the committed chunks, ascending. `firsts`: the index of the first item of each of these chunks. */
  committed: Uint32Array;
  firsts: Uint32Array;
  /** Chunks whose items are cancelled, ascending. */
  cancelled: number[];
}

/** Groups of equal items of a batch: items with the same image, or with the same image and text. */
export interface Groups {
  /** The number of the group of each item, counted from 1; 0 for an item that equals no other item. */
  of: Uint32Array;
  count: number;
}

/**
 * Caches indexes of ended batches. Such indexes do not change, so each process may have a separate cache. Callers read
 * the record of a batch first. A deleted batch has no record, so its cached indexes are never used.
 */
export interface KnownIndexes {
  chunks: IndexCache<ChunkIndex>;
  /** The segments of the index of scores of each batch. Several readers share them, so they must not be changed. */
  scores: IndexCache<readonly Uint32Array[]>;
  groups: IndexCache<Groups>;
  /** Bitmaps with one bit for each item of a batch: 1 if the item contains a certain text. */
  matches: IndexCache<Uint8Array>;
  /** Runs searches for a text one after another, so that only one batch is searched at a time. */
  searching: SharedWork<Uint8Array>;
  /** Finds groups of equal items in one batch at a time, because this takes up to 30 bytes of memory per item. */
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
 * Returns the key for the cached indexes of an ended batch; undefined while the batch is running. The key contains the
 * time of the end, because a batch may end twice: a Redis that has lost its last second evaluates some items again.
 */
export const knownAs = ({ id, state, finishedAt }: Pick<BatchRecord, 'id' | 'state' | 'finishedAt'>) =>
  terminalStates.has(state) && finishedAt !== undefined ? `${id} ${finishedAt}` : undefined;
