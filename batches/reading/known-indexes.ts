import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { BatchRecord } from '../store/record.ts';
import { createIndexCache, type IndexCache } from './index-cache.ts';
import { createSharedWork, type SharedWork } from './shared-work.ts';

export interface ChunkIndex {
  /** `committed`: the chunks with results, ascending. `firsts`: the index of the first item of each. */
  committed: Uint32Array;
  firsts: Uint32Array;
  /** The chunks whose items are cancelled, ascending. */
  cancelled: number[];
}

/** Groups of equal items of a batch, by image or by image and text. */
export interface Groups {
  /** The group of each item, from 1; 0 for an item that equals no other. */
  of: Uint32Array;
  count: number;
}

/**
 * Caches indexes of ended batches in this process; they do not change. Callers read the record of a batch first, so the
 * indexes of a deleted batch are never used.
 */
export interface KnownIndexes {
  chunks: IndexCache<ChunkIndex>;
  /** The segments of each score index. Readers share them, so they must not be changed. */
  scores: IndexCache<readonly Uint32Array[]>;
  groups: IndexCache<Groups>;
  /** Bitmaps of the items of a batch that contain a certain text. */
  matches: IndexCache<Uint8Array>;
  /** Runs text searches one at a time. */
  searching: SharedWork<Uint8Array>;
  /** Finds equal items in one batch at a time, because this takes up to 30 bytes per item. */
  grouping: SharedWork<Groups>;
}

/**
 * The maximum memory of cached score indexes, in bytes; enough for four million items. Reading the index of a million
 * items from Redis takes several times as long as searching it.
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
 * Returns the cache key of an ended batch, or undefined. It contains the time of the end, because a batch may end
 * twice: a Redis that lost its last second evaluates some items again.
 */
export const knownAs = ({ id, state, finishedAt }: Pick<BatchRecord, 'id' | 'state' | 'finishedAt'>) =>
  terminalStates.has(state) && finishedAt !== undefined ? `${id} ${finishedAt}` : undefined;
