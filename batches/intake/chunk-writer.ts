import { ServiceError } from '../../shared/errors.ts';
import { hasRawNumber } from '../../shared/exact-json.ts';
import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { chunkBytes, itemsOfChunk } from '../store/chunk-sizes.ts';
import { type KeptEmbeddings, keptBytes } from '../store/embeddings.ts';
import { encodeInput, type StoredItem } from '../store/payload.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { storeInputs } from './store-inputs.ts';

/**
 * While the items of a batch arrive, the number of items that it claims is updated after this many further items. Most
 * batches therefore make a single claim, and large batches make few claims.
 */
const claimItems = 8_192;
/**
 * The number of chunks that are written at the same time. It is above 1 because waiting for each single chunk would be
 * slow. It is limited because more writes would flood Redis or the bucket.
 */
const chunksPerWrite = 32;

/** The checks that are made while the items of a batch arrive. */
export interface Admission {
  /**
   * Throws `queue.full` when Redis has too little free memory.
   * @param expected the number of bytes that the batch is known to need later.
   */
  checkFreeSpace: (expected?: number) => Promise<void>;
  /** The kinds (image, text) and the precision of the embeddings that the batch stores for each item. */
  keeps?: KeptEmbeddings | undefined;
  /**
   * Sets the number of items that the batch claims; it replaces the earlier number. Throws when the tenant, or all
   * tenants together, would exceed a limit.
   */
  claim: (count: number) => Promise<void>;
  /**
   * Counts the memory of Redis that the batch takes towards the share of its tenant. Absent when the tenant may use all
   * memory.
   */
  memory?: MemoryShare | undefined;
}

/** The memory of Redis that a batch takes, in bytes. */
export interface BatchMemory {
  inputs: number;
  /**
   * The number of bytes that count once, whereas `inputs` counts twice: the column names of a posted table, which the
   * record of the batch contains, and the bytes by which results are expected to be larger than their inputs.
   */
  columns: number;
}

/** Counts the memory of Redis that a batch takes towards the share of its tenant. */
export interface MemoryShare {
  /**
   * Sets the memory that the batch takes. Throws when the tenant would use more than its share.
   * @param memory the memory for all items of the batch so far.
   */
  claim(memory: BatchMemory): Promise<void>;
  release(): Promise<void>;
}

/** Divides items into chunks and stores the chunks. The same items are always divided in the same way. */
export interface ChunkWriter {
  add(item: StoredItem): Promise<void>;
  /**
   * Stores the items that are not stored yet, in a last chunk.
   * @param columnBytes the size in bytes of the table columns that the record of the batch will contain.
   * @throws {ServiceError} `batch.interrupted` when the batch was stopped or discarded. `add` also throws this error.
   */
  end(columnBytes: number): Promise<{ chunks: number; total: number; inputBytes: number }>;
  /** Removes the stored items of the batch from Redis. */
  discard(): Promise<void>;
}

export function createChunkWriter(
  redis: Redis,
  payloads: PayloadStore,
  id: string,
  { checkFreeSpace, claim, keeps = {}, memory }: Admission,
): ChunkWriter {
  // When embeddings are stored in a bucket, Redis has only a short reference for each chunk. Their bytes then do not
  // count as memory of Redis.
  const embeddingBytesOfItem = payloads.isInRedis ? keptBytes(keeps) : 0;
  const keys = batchKeys(redis, id);
  let slice: StoredItem[] = [];
  let sliceBytes = 0;
  let chunks = 0;
  let total = 0;
  let claimed = 0;
  let storedBytes = 0;
  /** The number of bytes by which the results are expected to be larger than the items. */
  let extraOutput = 0;
  let closed: { chunk: number; payload: Buffer }[] = [];
  let closedBytes = 0;

  async function flush(end?: { columnBytes: number }): Promise<void> {
    if (total === 0) return;
    await checkFreeSpace(total * embeddingBytesOfItem);
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
    // `stored` is the payload itself, or a short reference if payloads are in a bucket. The memory is claimed before
    // the chunks are written to Redis, so that a refused claim leaves Redis unchanged.
    for (const { stored } of inputs) storedBytes += stored.length;
    // The bytes of `columns` count once. The bytes of `inputs` count twice, because results are about as large as their
    // inputs.
    await memory?.claim({
      inputs: storedBytes,
      columns: (end?.columnBytes ?? 0) + extraOutput + total * embeddingBytesOfItem,
    });
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
    // The chunks are in several numbered Redis hashes. The hash with the highest number is removed first. If the
    // removal is interrupted, the remaining hashes are still numbered from 0 without gaps.
    async discard() {
      for (let hash = Math.floor(chunks / chunksPerHash); hash >= 0; hash--) {
        await redis.unlink(keys.input(hash * chunksPerHash));
      }
      await memory?.release();
    },
  };
}

/**
 * Returns the approximate size of an item as JSON, in bytes. The size includes image, text, metadata, error and
 * request.
 */
function sizeOf(item: StoredItem): number {
  const metadata = item.metadata === undefined ? 0 : JSON.stringify(item.metadata).length;
  const { image = '', text = '' } = item;
  const source = typeof image === 'string' ? image : Object.values(image).join('');
  const error = 'error' in item ? item.error.message.length : 0;
  const request = 'request' in item && item.request !== undefined ? JSON.stringify(item.request).length : 0;
  return 100 + source.length + text.length + metadata + error + request;
}

/** The size of one embedding in a result, in bytes: about a thousand numbers as compressed text. */
const embeddingBytes = 8 * 1024;

/**
 * Returns the number of bytes by which the result of an item is expected to be larger than the item. It is above 0 for
 * requests for embeddings, whose results are many times larger than their inputs.
 */
function extraOutputOf(item: StoredItem): number {
  if (!('request' in item) || item.request?.url !== '/v1/embeddings') return 0;
  const { input } = item.request.body;
  return embeddingBytes * (Array.isArray(input) ? input.length : 1);
}

/** Returns the error for a batch that was stopped during its intake, or whose client sent nothing for too long. */
export const interrupted = () =>
  new ServiceError(
    'batch.interrupted',
    'The batch was discarded before all its items had arrived, because it was stopped or its sender was silent for too long; post it again',
    { retryAfter: 1 },
  );
