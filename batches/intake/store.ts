import { ServiceError } from '../../shared/errors.ts';
import { type Redis, throwFirst } from '../../shared/redis.ts';
import { batchKeys, chunksPerHash, everyTenant, liveBatches, tenantBatches } from '../keys.ts';
import { encodeInput, payloadVersion, type StoredItem } from '../payload.ts';
import { type BatchOptions, type Pinned, toHash } from '../record.ts';
import { runScript } from '../scripts.ts';
import type { ItemStream } from './items.ts';

/** Somebody must be heard of this often while a batch is sent, in milliseconds; then it is discarded. */
const leaseMs = 30_000;
/** How often the lease is renewed while bytes arrive. */
const renewMs = 5_000;

/** A chunk closes at this many items, or at this many bytes, whichever is first. */
const chunkItems = 64;
const chunkBytes = 4 * 1024 * 1024;
/** The first chunks are small, so that a small batch spreads over all evaluators. */
const smallChunks = { count: 32, items: 4 };

/** Items are counted in so many at a time: once for most batches, and seldom against what storing them costs. */
const claimItems = 8_192;

/** A batch about to be stored. */
export interface NewBatch {
  id: string;
  tenant: string;
  pinned: Pinned;
  options: BatchOptions;
  items: ItemStream;
  traceparent?: string | undefined;
  /** SHA-256 of the body, asked for when the items have been read; nothing when the batch has no idempotency key. */
  bodyHash?: () => string;
  /** Called at most every five seconds while bytes arrive, and before the seal; what it throws ends the intake. */
  onActivity?: () => Promise<void>;
  /** Throws when there is no room for more. */
  checkRoom: () => Promise<void>;
  /** Counts so many items in; throws when its tenant, or all together, would have too many. */
  claim: (count: number) => Promise<void>;
  /** Share of the workers beside other tenants' batches. */
  weight?: number | undefined;
}

/**
 * Stores a batch as its items arrive: state `accepting` under a lease, payloads first, then one script seals it. Only
 * then does it exist for anybody; a stream that breaks off before leaves nothing.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and whatever reading the items throws.
 */
export async function storeBatch(redis: Redis, batch: NewBatch): Promise<void> {
  const { id, tenant, pinned, options } = batch;
  const keys = batchKeys(id);
  const writer = createWriter(redis, batch);
  let opened = false;
  let renewedAt = 0;
  let mayBeSealed = false;

  async function open(): Promise<void> {
    opened = true;
    const createdAt = Date.now();
    const counters = { succeeded: 0, failed: 0, cancelled: 0 };
    const { webhookUrl } = options;
    const record = {
      v: payloadVersion,
      id,
      tenant,
      weight: batch.weight,
      ...pinned,
      ...options,
      ...counters,
      traceparent: batch.traceparent,
      createdAt,
      state: 'accepting',
      webhookState: webhookUrl === undefined ? undefined : 'pending',
    };
    // Listed first: a batch the sweeper does not know of could not be cleaned away.
    await redis.zadd(liveBatches, createdAt, id);
    await redis.zadd(tenantBatches(tenant), createdAt, id);
    await redis.zadd(tenantBatches(everyTenant), createdAt, id);
    // The lease first: a record without one is a batch that the sweeper takes for given up.
    throwFirst(await redis.pipeline().set(keys.lease, '1', 'PX', leaseMs).hset(keys.batch, toHash(record)).exec());
  }

  /** Only while it is still ours: one that ran out has been seen by the sweeper, and what was stored is gone. */
  async function renew(): Promise<void> {
    if ((await redis.set(keys.lease, '1', 'PX', leaseMs, 'XX')) === null) throw interrupted();
    await batch.onActivity?.();
  }

  try {
    for await (const items of batch.items) {
      if (!opened) await open();
      if (Date.now() - renewedAt > renewMs) {
        renewedAt = Date.now();
        await renew();
      }
      for (const item of items) await writer.add(item);
    }
    const { chunks, total } = await writer.end();
    if (total === 0) throw new ServiceError('batch.empty', 'The batch has no items');
    await batch.onActivity?.();
    // What stands in the columns is known once the header has been read.
    const columns = [options.columns, options.columnNames].map((part) =>
      part === undefined ? '' : JSON.stringify(part),
    );
    const values = [chunks, total, batch.bodyHash?.() ?? '', ...columns];
    mayBeSealed = true;
    const isSealed = (await runScript(redis, 'seal', [keys.batch, keys.lease, keys.events], values)) === 1;
    mayBeSealed = false;
    if (!isSealed) throw interrupted();
  } catch (error) {
    // The payloads at once where Redis answers, as they may be what fills it; the rest by the sweeper, which is certain
    // to find the batch without a lease. When the answer to the seal was lost, the batch may be under way and needs them.
    if (opened) {
      await redis.unlink(keys.lease).catch(() => {});
      if (!mayBeSealed) await writer.discard().catch(() => {});
    }
    throw error;
  }
}

const interrupted = () =>
  new ServiceError('batch.interrupted', 'The batch took too long to arrive and was discarded', { retryAfter: 1 });

/** Cuts items into chunks and writes them, a few at a time so that Redis is neither waited for nor flooded. */
function createWriter(redis: Redis, { id, checkRoom, claim }: NewBatch) {
  const keys = batchKeys(id);
  let slice: StoredItem[] = [];
  let sliceBytes = 0;
  let chunks = 0;
  let total = 0;
  let claimed = 0;
  let writes = redis.pipeline();
  let writesBytes = 0;

  async function flush(isLast = false): Promise<void> {
    if (writes.length === 0) return;
    await checkRoom();
    if (total - claimed >= claimItems || isLast) {
      await claim(total);
      claimed = total;
    }
    const pending = writes;
    writes = redis.pipeline();
    writesBytes = 0;
    throwFirst(await pending.exec());
  }

  async function close(): Promise<void> {
    const payload = encodeInput({ offset: total - slice.length, items: slice });
    writes.hset(keys.input(chunks), String(chunks), payload);
    writesBytes += payload.length;
    chunks++;
    slice = [];
    sliceBytes = 0;
    if (writes.length >= 32 || writesBytes > chunkBytes) await flush();
  }

  return {
    async add(item: StoredItem): Promise<void> {
      const size = sizeOf(item);
      const limit = chunks < smallChunks.count ? smallChunks.items : chunkItems;
      if (slice.length > 0 && (slice.length >= limit || sliceBytes + size > chunkBytes)) await close();
      slice.push(item);
      sliceBytes += size;
      total++;
    },
    async end(): Promise<{ chunks: number; total: number }> {
      if (slice.length > 0) await close();
      await flush(true);
      return { chunks, total };
    },
    /** From the back: what is left after an interruption is still found from the front. */
    async discard(): Promise<void> {
      for (let chunk = chunks; chunk >= 0; chunk -= chunksPerHash) await redis.unlink(keys.input(chunk));
      await redis.unlink(keys.input(0));
    },
  };
}

/** Roughly the bytes an item takes as JSON: only inline images and metadata can be large. */
function sizeOf(item: StoredItem): number {
  const metadata = item.metadata === undefined ? 0 : JSON.stringify(item.metadata).length;
  if ('error' in item) return 200 + metadata;
  const image = typeof item.image === 'string' ? item.image : Object.values(item.image).join('');
  return 100 + image.length + item.text.length + metadata;
}
