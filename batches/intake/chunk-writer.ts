import { ServiceError } from '../../shared/errors.ts';
import { hasRawNumber } from '../../shared/exact-json.ts';
import { batchKeys, chunksPerHash } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { chunkBytes, itemsOfChunk } from '../store/chunk-sizes.ts';
import { type KeptEmbeddings, keptBytes } from '../store/embeddings.ts';
import { encodeInput, type StoredItem } from '../store/payload.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { storeInputs } from './store-inputs.ts';

/** The claim of a batch is updated after this many further items, so most batches claim once. */
const claimItems = 8_192;
/** The number of chunks written at once. One by one is slow; more would flood Redis or the bucket. */
const chunksPerWrite = 32;

/** Checks that are made while the items of a batch arrive. */
export interface Admission {
  /**
   * Throws `queue.full` when Redis has too little free memory.
   * @param expected the minimum number of bytes that the batch will need later. They must be free in addition to the
   * usual reserve.
   */
  checkFreeSpace: (expected?: number) => Promise<void>;
  /** The kinds (image, text) and the precision of the embeddings that the batch stores. */
  keeps?: KeptEmbeddings | undefined;
  /** Sets the number of items that the batch claims. Throws when its tenant, or all tenants, would exceed a limit. */
  claim: (count: number) => Promise<void>;
  /** Counts the batch towards the memory share of its tenant. Absent when the tenant may use all memory. */
  memory?: MemoryShare | undefined;
}

/** In bytes of Redis memory. */
export interface BatchMemory {
  inputs: number;
  /** Counts once, while `inputs` counts twice: table column names, and output larger than its input. */
  columns: number;
}

export interface MemoryShare {
  /**
   * Replaces the memory that the batch takes. Throws when the tenant would use more than its share.
   * @param memory for all items so far.
   */
  claim(memory: BatchMemory): Promise<void>;
  release(): Promise<void>;
}

/** Divides items into chunks and stores them. The division depends only on the items. */
export interface ChunkWriter {
  add(item: StoredItem): Promise<void>;
  /**
   * Stores the last chunk.
   * @param columnBytes the bytes of the table columns in the record of the batch.
   * @throws {ServiceError} `batch.interrupted` when the batch was stopped or discarded; `add` throws it too.
   */
  end(columnBytes: number): Promise<{ chunks: number; total: number; inputBytes: number }>;
  /** Removes the stored items from Redis. */
  discard(): Promise<void>;
}

export function createChunkWriter(
  redis: Redis,
  payloads: PayloadStore,
  id: string,
  { checkFreeSpace, claim, keeps = {}, memory }: Admission,
): ChunkWriter {
  // Embeddings in a bucket do not count as memory of Redis, which has only a short reference to each chunk.
  const embeddingBytesOfItem = payloads.isInRedis ? keptBytes(keeps) : 0;
  const keys = batchKeys(redis, id);
  let slice: StoredItem[] = [];
  let sliceBytes = 0;
  let chunks = 0;
  let total = 0;
  let claimed = 0;
  let storedBytes = 0;
  /** The bytes by which results are expected to exceed their items. */
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
    // `stored` is the payload, or a reference to it in a bucket. The claim precedes the writes, so that a refused claim
    // leaves Redis unchanged.
    for (const { stored } of inputs) storedBytes += stored.length;
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
    // Removes the hash with the highest number first, so that an interruption leaves numbers without gaps.
    async discard() {
      for (let hash = Math.floor(chunks / chunksPerHash); hash >= 0; hash--) {
        await redis.unlink(keys.input(hash * chunksPerHash));
      }
      await memory?.release();
    },
  };
}

/** Returns the approximate size of an item as JSON, in bytes. */
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

/** Returns the bytes by which a result is expected to exceed its item: above 0 only for embeddings requests. */
function extraOutputOf(item: StoredItem): number {
  if (!('request' in item) || item.request?.url !== '/v1/embeddings') return 0;
  const { input } = item.request.body;
  return embeddingBytes * (Array.isArray(input) ? input.length : 1);
}

/** Returns the error for a batch that was stopped during its intake, or whose client was silent too long. */
export const interrupted = () =>
  new ServiceError(
    'batch.interrupted',
    'The batch was discarded before all its items had arrived, because it was stopped or its sender was silent for too long; post it again',
    { retryAfter: 1 },
  );
