import type { ItemStream } from '../../formats/items.ts';
import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import type { BatchOptions } from '../store/record.ts';
import { type Admission, type ChunkWriter, createChunkWriter, interrupted } from './chunk-writer.ts';
import { type OpenedBatch, openBatch } from './open.ts';
import { sealBatch } from './seal.ts';

/** Somebody must be heard of this often while a batch is sent, in milliseconds; then it is discarded. */
const leaseMs = 30_000;
/** How often `onActivity` is called while bytes arrive, in milliseconds. */
const activityMs = 5_000;

/** A batch about to be stored. */
export interface NewBatch extends OpenedBatch, Admission {
  items: ItemStream;
  /** SHA-256 of the body, asked for when the items have been read; nothing when the batch has no idempotency key. */
  bodyHash?: () => string;
  /** Called at most every five seconds while bytes arrive, and before the seal; what it throws ends the intake. */
  onActivity?: () => Promise<void>;
}

/**
 * Stores a batch as its items arrive: state `accepting` under a lease, payloads first, then one script seals it. Only
 * then does it exist for anybody; a stream that breaks off before leaves nothing.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and whatever reading the items throws.
 */
export async function storeBatch(redis: Redis, payloads: PayloadStore, batch: NewBatch): Promise<number> {
  const { lease } = batchKeys(redis, batch.id);
  const writer = createChunkWriter(redis, payloads, batch.id, batch);
  let opened = false;
  let mayBeSealed = false;

  async function* opening() {
    for await (const items of batch.items) {
      if (!opened) {
        opened = true;
        await openBatch(redis, batch, { leaseMs });
      }
      yield items;
    }
  }

  /** Only while it is still ours: one that ran out has been seen by the sweeper, and what was stored is gone. */
  async function renew(): Promise<void> {
    if ((await redis.set(lease, '1', 'PX', leaseMs, 'XX')) === null) throw interrupted();
    await batch.onActivity?.();
  }

  try {
    const onSeal = (isAnswered: boolean) => {
      mayBeSealed = !isAnswered;
    };
    return await storeItems(redis, writer, { ...batch, items: opening(), onActivity: renew, onSeal });
  } catch (error) {
    // What Redis keeps at once, where it answers, as that may be what fills it; the rest by the sweeper, which is certain
    // to find the batch without a lease. When the answer to the seal was lost, the batch may be under way and needs them.
    if (opened) {
      await redis.unlink(lease).catch(() => {});
      if (!mayBeSealed) await writer.discard().catch(() => {});
    }
    throw error;
  }
}

/** The items of a batch that is open. */
export interface NewItems {
  id: string;
  items: ItemStream;
  /** What stands in the columns of CSV is filled in while the items are read. */
  options: BatchOptions;
  bodyHash?: (() => string) | undefined;
  /** Called at most every five seconds while bytes arrive, and before the seal; what it throws ends the intake. */
  onActivity: () => Promise<void>;
  /** Told when the seal has been asked for, and when its answer has come: between the two nobody knows. */
  onSeal?: (isAnswered: boolean) => void;
}

/**
 * Writes the payloads of an open batch, and seals it. From the first item on it may be done again, by another process
 * too: it writes the same to the same places.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and whatever reading the items throws.
 */
export async function storeItems(redis: Redis, writer: ChunkWriter, batch: NewItems): Promise<number> {
  const { id, options } = batch;
  let activeAt = Number.NEGATIVE_INFINITY;
  for await (const items of batch.items) {
    if (performance.now() - activeAt > activityMs) {
      activeAt = performance.now();
      await batch.onActivity();
    }
    for (const item of items) await writer.add(item);
  }
  const { chunks, total } = await writer.end();
  if (total === 0) throw new ServiceError('batch.empty', 'The batch has no items');
  await batch.onActivity();
  // The columns are known once the header has been read.
  const { columns, columnNames } = options;
  batch.onSeal?.(false);
  const isSealed = await sealBatch(redis, id, { chunks, total, bodyHash: batch.bodyHash?.(), columns, columnNames });
  batch.onSeal?.(true);
  if (!isSealed) throw interrupted();
  return total;
}
