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

/** The items of a batch that are equal: they have the same image, or the same image and text. */
export interface Groups {
  /** The number of the group of each item, from 1; 0 for an item that is equal to no other. */
  of: Uint32Array;
  count: number;
}

/**
 * The indexes that this process has read from batches that have ended. They do not change any more, so several processes
 * may remember them. Callers read the record of a batch first: a deleted batch has none, and its indexes are not used.
 */
export interface KnownIndexes {
  chunks: IndexCache<ChunkIndex>;
  /** The segments of the index of scores. Readers share them, so nobody may change them. */
  scores: IndexCache<readonly Uint32Array[]>;
  groups: IndexCache<Groups>;
  /** Bitmaps of the items that contain a text. */
  matches: IndexCache<Uint8Array>;
  /** Searches for a text, in one batch at a time. */
  searching: SharedWork<Uint8Array>;
  /** Finds groups, for one batch at a time, since this takes up to 30 bytes of memory for each item. */
  grouping: SharedWork<Groups>;
}

/**
 * The maximum memory of the remembered indexes of scores in bytes: those of four million items. Reading the index of a
 * million items from Redis takes several times as long as searching it.
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
 * Returns the key under which the indexes of a batch are remembered; undefined while the batch runs. A Redis that lost
 * its last second evaluates some items again, and the batch then has another end.
 */
export const knownAs = ({ id, state, finishedAt }: Pick<BatchRecord, 'id' | 'state' | 'finishedAt'>) =>
  terminalStates.has(state) && finishedAt !== undefined ? `${id} ${finishedAt}` : undefined;
