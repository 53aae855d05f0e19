import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import { createInFlight } from './in-flight.ts';

/** The embeddings of one image of a batch, by all models. Every model has embedded the same bytes. */
export interface EmbeddedImage {
  answering: Embedded;
  compared: { spec: ModelSpec; embedded: Promise<Embedded> }[];
  /** The SHA-256 of the bytes of the image, in base64; undefined for a stored embedding. */
  contentHash: string | undefined;
  /** True when the encoder runs of this image are already counted with an earlier pair. */
  isCounted: boolean;
}

/**
 * Embeddings of images and texts that several calls for the same batch share, so that each image or text is loaded and
 * embedded once.
 */
export interface BatchMemory {
  /**
   * Returns the remembered value of this key. Otherwise it runs `work`, or waits for the result if another caller is
   * already running it. A failure reaches all callers that wait for it, and is not remembered.
   * @param work gets a signal that aborts when no caller waits any more.
   * @returns the value; `isNew` is true when this call has run `work`.
   * @throws the error of `work`; the reason of the signal when it aborts first.
   */
  once<Value extends EmbeddedImage | Embedded>(
    key: string,
    work: (signal: AbortSignal) => Promise<Value>,
    signal: AbortSignal | undefined,
  ): Promise<{ value: Value; isNew: boolean }>;
}

/** The embeddings that this process has recently computed for batches. */
export interface BatchMemories {
  /**
   * Returns the shared embeddings of a batch. @param batchId undefined for work that shares no embeddings with other
   * calls.
   */
  of(batchId: string | undefined): BatchMemory;
}

/**
 * The time in ms for which an embedding is remembered. Several chunks of a batch are evaluated at a time, and the next
 * chunks follow within this time.
 */
const rememberedMs = 30_000;
/**
 * The maximum memory of remembered embeddings in bytes. It suffices for about 4,000 images or texts of a model with 512
 * dimensions.
 */
const rememberedBytes = 16 * 1024 * 1024;
/** The memory in bytes of the map entry and of the objects of one value, rounded up. */
const entryOverheadBytes = 500;
/** The maximum length of a key in characters. A longer key, such as an image in base64, is replaced by its hash. */
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
