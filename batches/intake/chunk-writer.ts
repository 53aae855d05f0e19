import { ServiceError } from '../../shared/errors.ts';
import { hasRawNumber } from '../../shared/exact-json.ts';
import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { chunkBytes, itemsOfChunk } from '../store/chunk-sizes.ts';
import { encodeInput, type StoredItem } from '../store/payload.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { storeInputs } from './store-inputs.ts';

/** Items claimed at a time: most batches need one claim, and large ones few. */
const claimItems = 8_192;
/** Chunks written at a time, so that intake does not wait for each, and does not flood Redis or a bucket. */
const chunksPerWrite = 32;

/** The limits that are checked while items arrive. */
export interface Admission {
  /** Throws when Redis has too little free memory. */
  checkFreeSpace: () => Promise<void>;
  /** Counts the items of the batch. Throws when its tenant, or all tenants together, would exceed a limit. */
  claim: (count: number) => Promise<void>;
  /** The tenant's share of Redis' memory; absent when the tenant may fill it. */
  memory?: MemoryShare | undefined;
}

/** The memory of Redis that a batch uses, in bytes. */
export interface BatchMemory {
  inputs: number;
  /** The columns of its file, which are part of the record. */
  columns: number;
}

/** Counts the memory of Redis that a batch uses. */
export interface MemoryShare {
  /**
   * @param memory of all inputs so far and of the columns in the record, in bytes.
   * Throws when its tenant would use more than its share.
   */
  claim(memory: BatchMemory): Promise<void>;
  release(): Promise<void>;
}

/** Divides items into chunks and writes them. The same items always make the same chunks. */
export interface ChunkWriter {
  add(item: StoredItem): Promise<void>;
  /**
   * Writes the remaining items.
   * @param columnBytes size of the columns in the record.
   * @throws {ServiceError} `batch.interrupted`, as `add` does, when the batch was stopped or discarded.
   */
  end(columnBytes: number): Promise<{ chunks: number; total: number; inputBytes: number }>;
  /** Removes the inputs from Redis. */
  discard(): Promise<void>;
}

export function createChunkWriter(
  redis: Redis,
  payloads: PayloadStore,
  id: string,
  { checkFreeSpace, claim, memory }: Admission,
): ChunkWriter {
  const keys = batchKeys(redis, id);
  let slice: StoredItem[] = [];
  let sliceBytes = 0;
  let chunks = 0;
  let total = 0;
  let claimed = 0;
  let storedBytes = 0;
  /** Bytes of results in addition to the size of their items. */
  let extraOutput = 0;
  let closed: { chunk: number; payload: Buffer }[] = [];
  let closedBytes = 0;

  async function flush(end?: { columnBytes: number }): Promise<void> {
    if (total === 0) return;
    await checkFreeSpace();
    if (total - claimed >= claimItems || end !== undefined) {
      await claim(total);
      claimed = total;
    }
    const pending = closed;
    closed = [];
    closedBytes = 0;
    const inputs = await Promise.all(
      pending.map(async ({ chunk, payload }) => ({ chunk, stored: await payloads.putInput(id, chunk, payload) })),
    );
    // With payloads in a bucket, these are references. Claimed before writing, so that a refusal leaves Redis
    // unchanged.
    for (const { stored } of inputs) storedBytes += stored.length;
    // Columns count once. Inputs count twice, since results have about the same size.
    await memory?.claim({ inputs: storedBytes, columns: (end?.columnBytes ?? 0) + extraOutput });
    if (!(await storeInputs(redis, id, inputs))) throw interrupted();
  }

  function close(): void {
    const exact = slice.some(({ metadata }) => hasRawNumber(metadata));
    const payload = encodeInput({ offset: total - slice.length, items: slice, exact });
    closed.push({ chunk: chunks, payload });
    closedBytes += payload.length;
    chunks++;
    slice = [];
    sliceBytes = 0;
  }

  return {
    async add(item) {
      const extra = extraOutputOf(item);
      const size = sizeOf(item) + extra;
      extraOutput += extra;
      const limit = itemsOfChunk(chunks);
      if (slice.length > 0 && (slice.length >= limit || sliceBytes + size > chunkBytes)) {
        close();
        if (closed.length >= chunksPerWrite || closedBytes > chunkBytes) await flush();
      }
      slice.push(item);
      sliceBytes += size;
      total++;
    },
    async end(columnBytes) {
      if (slice.length > 0) close();
      await flush({ columnBytes });
      return { chunks, total, inputBytes: storedBytes };
    },
    // From the last hash to the first: after an interruption the remaining hashes still start at the first.
    async discard() {
      for (let hash = Math.floor(chunks / chunksPerHash); hash >= 0; hash--) {
        await redis.unlink(keys.input(hash * chunksPerHash));
      }
      await memory?.release();
    },
  };
}

/** Returns the approximate size of an item as JSON, in bytes: its image, text, metadata or error. */
function sizeOf(item: StoredItem): number {
  const metadata = item.metadata === undefined ? 0 : JSON.stringify(item.metadata).length;
  const { image = '', text = '' } = item;
  const source = typeof image === 'string' ? image : Object.values(image).join('');
  const error = 'error' in item ? item.error.message.length : 0;
  const request = 'request' in item && item.request !== undefined ? JSON.stringify(item.request).length : 0;
  return 100 + source.length + text.length + metadata + error + request;
}

/** Bytes of an embedding in a result: a thousand dimensions as text, compressed. */
const embeddingBytes = 8 * 1024;

/** Returns the result bytes in addition to the size of the item: embeddings are many times as large as their inputs. */
function extraOutputOf(item: StoredItem): number {
  if (!('request' in item) || item.request?.url !== '/v1/embeddings') return 0;
  const { input } = item.request.body;
  return embeddingBytes * (Array.isArray(input) ? input.length : 1);
}

/** Returns the error for a batch that was stopped, or whose client was silent for too long. */
export const interrupted = () =>
  new ServiceError('batch.interrupted', 'The batch took too long to arrive and was discarded', { retryAfter: 1 });
