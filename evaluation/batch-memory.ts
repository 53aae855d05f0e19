import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import { createInFlight } from './in-flight.ts';

/** The embeddings of one image by all models of a batch, from the same bytes. */
export interface EmbeddedImage {
  answering: Embedded;
  compared: { spec: ModelSpec; embedded: Promise<Embedded> }[];
  /** SHA-256 of the image's bytes in base64; undefined for a stored embedding. */
  contentHash: string | undefined;
  /** True when an earlier pair has counted the encoder runs of the image. */
  isCounted: boolean;
}

/** The embeddings of the images and texts of one batch, which concurrent calls share. */
export interface BatchMemory {
  /**
   * Returns the stored value of a key. If no value is stored, runs `work`, or waits if another caller is running it. If
   * `work` fails, all waiting callers get the error, and nothing is stored.
   * @param work gets a signal that aborts when no caller waits any more.
   * @param signal ends the wait of this caller.
   * @returns the value; `isNew` is true when this call has run `work`.
   * @throws the error of `work`, or the reason of `signal`.
   */
  once<Value extends EmbeddedImage | Embedded>(
    key: string,
    work: (signal: AbortSignal) => Promise<Value>,
    signal: AbortSignal | undefined,
  ): Promise<{ value: Value; isNew: boolean }>;
}

export interface BatchMemories {
  /** @param batchId undefined for a call that shares no embeddings with other calls. */
  of(batchId: string | undefined): BatchMemory;
}

/** The lifetime of a stored embedding in ms. The next chunks of a batch begin within this time. */
const rememberedMs = 30_000;
/** The maximum memory in bytes: about 4,000 images or texts with 512 dimensions. */
const rememberedBytes = 16 * 1024 * 1024;
/** Bytes of the map entry and objects of one value, rounded up. */
const entryOverheadBytes = 500;
/** The maximum length of a key. A hash replaces a longer one, such as an image in base64. */
const keyLength = 256;

export function createBatchMemories(): BatchMemories {
  const inFlight = createInFlight<EmbeddedImage | Embedded>();
  const remembered = new LRUCache<string, EmbeddedImage | Embedded>({
    maxSize: rememberedBytes,
    ttl: rememberedMs,
    sizeCalculation: (value, key) => bytesOf(value) + 2 * key.length + entryOverheadBytes,
  });
  return {
    of(batchId) {
      const running = batchId === undefined ? createInFlight<EmbeddedImage | Embedded>() : inFlight;
      const known = batchId === undefined ? undefined : remembered;
      return {
        async once<Value extends EmbeddedImage | Embedded>(
          key: string,
          work: (signal: AbortSignal) => Promise<Value>,
          signal: AbortSignal | undefined,
        ) {
          const full = `${batchId} ${key.length > keyLength ? hash('sha256', key, 'base64') : key}`;
          const found = known?.get(full);
          if (found !== undefined) return { value: found as Value, isNew: false };
          const isNew = !running.has(full);
          const value = (await running.join(full, work, signal)) as Value;
          if (isNew) known?.set(full, value);
          return { value, isNew };
        },
      };
    },
  };
}

function bytesOf(value: EmbeddedImage | Embedded): number {
  if ('embedding' in value) return value.embedding.byteLength;
  return (1 + value.compared.length) * (value.answering.embedding.byteLength + entryOverheadBytes);
}
