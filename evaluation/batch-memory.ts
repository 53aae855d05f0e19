import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import { createInFlight } from './in-flight.ts';

/** An image of a batch, embedded by every model from the same bytes. */
export interface EmbeddedImage {
  answering: Embedded;
  compared: { spec: ModelSpec; embedded: Promise<Embedded> }[];
  /** True when an earlier pair already counts the encoder runs of this image. */
  isCounted: boolean;
}

/** The images and texts that calls for one batch have in common: each is loaded and embedded once. */
export interface BatchMemory {
  /**
   * Returns the value of this key. Runs `work` if no value is remembered, and waits if another caller already runs it. A
   * failure reaches all callers that wait for it, and is not remembered.
   * @param work gets a signal that aborts when no caller waits any more.
   * @throws the error of the work; the reason of the signal when it aborts first.
   */
  once<Value extends EmbeddedImage | Embedded>(
    key: string,
    work: (signal: AbortSignal) => Promise<Value>,
    signal: AbortSignal | undefined,
  ): Promise<{ value: Value; isNew: boolean }>;
}

/** What this process has recently embedded for batches. */
export interface BatchMemories {
  /** @param batchId undefined for work that no other call shares. */
  of(batchId: string | undefined): BatchMemory;
}

/** Several chunks of a batch are evaluated at a time, and the next ones follow within this time (ms). */
const rememberedMs = 30_000;
/** About 4,000 images or texts of a model with 512 dimensions. */
const rememberedBytes = 16 * 1024 * 1024;
/** Memory of the map entry and of the objects of a value, in bytes, rounded up. */
const entryOverheadBytes = 500;
/** A longer key, such as that of an image in base64, is replaced by its hash. */
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
