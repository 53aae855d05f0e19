import { randomUUID } from 'node:crypto';
import { ServiceError } from '../shared/errors.ts';
import type { Redis } from '../shared/redis.ts';
import { batchKeys, liveBatches, tenantBatches } from './keys.ts';
import { encodeInput, payloadVersion, type StoredItem } from './payload.ts';
import type { BatchRecord, Pinned } from './record.ts';
import { runScript } from './scripts.ts';

/** Somebody must be heard of this often while a batch is sent, in milliseconds; then it is discarded. */
const leaseMs = 30_000;

/** A chunk closes at this many items, or at this many bytes of JSON, whichever is first. */
const chunkItems = 64;
const chunkBytes = 4 * 1024 * 1024;
/** The first chunks are small, so that a small batch spreads over all evaluators. */
const smallChunks = { count: 32, items: 4 };

/**
 * Stores a batch as its items arrive: state `accepting` under a lease, payloads first, then one script seals it. Only
 * then does it exist for anybody; a stream that breaks off before leaves nothing.
 * @returns the sealed batch's id, and what dispatching it needs.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`
 */
export async function storeBatch(
  redis: Redis,
  tenant: string,
  pinned: Pinned,
  items: AsyncIterable<StoredItem> | Iterable<StoredItem>,
): Promise<Pick<BatchRecord, 'id' | 'tenant' | 'profile'>> {
  const id = randomUUID();
  const keys = batchKeys(id);
  const createdAt = Date.now();
  let chunk = 0;
  let total = 0;
  try {
    for await (const { items: slice, offset } of chunksOf(items)) {
      if (chunk === 0) await open();
      const writes = redis.pipeline();
      writes.hset(keys.input(chunk), String(chunk), encodeInput({ offset, items: slice }));
      writes.set(keys.lease, '1', 'PX', leaseMs);
      throwFirst(await writes.exec());
      chunk++;
      total += slice.length;
    }
    if (chunk === 0) throw new ServiceError('batch.empty', 'The batch has no items');
    const sealed = await runScript(redis, 'seal', [keys.batch, keys.lease], [chunk, total]);
    if (sealed !== 1) {
      throw new ServiceError('batch.interrupted', 'The batch took too long to arrive and was discarded', {
        retryAfter: 1,
      });
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return { id, tenant, profile: pinned.profile };

  async function open(): Promise<void> {
    const record = {
      v: payloadVersion,
      id,
      tenant,
      ...pinned,
      state: 'accepting',
      createdAt,
      succeeded: 0,
      failed: 0,
      cancelled: 0,
    };
    // Listed first: a batch the sweeper does not know of could not be cleaned away.
    await redis.zadd(liveBatches, createdAt, id);
    await redis.zadd(tenantBatches(tenant), createdAt, id);
    const writes = redis.pipeline();
    writes.hset(keys.batch, record);
    writes.set(keys.lease, '1', 'PX', leaseMs);
    throwFirst(await writes.exec());
  }

  /** At once where Redis answers; else the sweeper does it when the lease is gone. */
  async function discard(): Promise<void> {
    await redis.unlink(keys.lease).catch(() => {});
  }
}

interface Slice {
  offset: number;
  items: StoredItem[];
}

async function* chunksOf(items: AsyncIterable<StoredItem> | Iterable<StoredItem>): AsyncGenerator<Slice> {
  let slice: StoredItem[] = [];
  let bytes = 0;
  let offset = 0;
  let count = 0;
  for await (const item of items) {
    const size = sizeOf(item);
    const limit = count < smallChunks.count ? smallChunks.items : chunkItems;
    if (slice.length > 0 && (slice.length >= limit || bytes + size > chunkBytes)) {
      yield { offset, items: slice };
      count++;
      offset += slice.length;
      slice = [];
      bytes = 0;
    }
    slice.push(item);
    bytes += size;
  }
  if (slice.length > 0) yield { offset, items: slice };
}

/** Roughly the bytes an item takes as JSON: only inline images and metadata can be large. */
function sizeOf(item: StoredItem): number {
  const metadata = item.metadata === undefined ? 0 : JSON.stringify(item.metadata).length;
  if ('error' in item) return 200 + metadata;
  const image = typeof item.image === 'string' ? item.image : Object.values(item.image).join('');
  return 100 + image.length + item.text.length + metadata;
}

/** A pipeline reports each command's fault on its own; the first one is what went wrong. */
function throwFirst(replies: [Error | null, unknown][] | null): void {
  const fault = replies?.find(([error]) => error !== null)?.[0];
  if (fault) throw fault;
}
