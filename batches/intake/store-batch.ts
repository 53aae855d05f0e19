import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type Admission, type ChunkWriter, createChunkWriter, interrupted } from './chunk-writer.ts';
import { type ItemSource, readSource } from './item-source.ts';
import { type OpenedBatch, openBatch } from './open.ts';
import { sealBatch } from './seal.ts';

/** The duration of the lease of a batch in ms. A batch whose client sends no bytes for this time is discarded. */
const leaseMs = 30_000;
/** The minimum interval in ms between two calls of `onActivity` while bytes arrive. */
const activityMs = 5_000;

/** A batch that is about to be stored. */
export interface NewBatch extends OpenedBatch, Admission {
  items: ItemSource;
  /** True for a batch with an idempotency key. Its record then contains the hash of the body. */
  storesHash: boolean;
  /**
   * Called while bytes arrive, at most every five seconds, and once before the batch is sealed. If it throws, the
   * intake ends with that error.
   */
  onActivity?: () => Promise<void>;
}

/**
 * Stores a batch while its items arrive. It creates the batch in state `accepting` with a lease, writes the payloads,
 * and then seals the batch (marks it as completely received) with one script. Before that, clients cannot see the
 * batch, and an interrupted request leaves no data behind.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and errors that occur while the items are read.
 */
export async function storeBatch(redis: Redis, payloads: PayloadStore, batch: NewBatch): Promise<number> {
  const { lease } = batchKeys(redis, batch.id);
  const writer = createChunkWriter(redis, payloads, batch.id, batch);
  let opened = false;
  let mayBeSealed = false;

  /** Creates the batch as soon as the first bytes have arrived. */
  async function onStart(): Promise<void> {
    opened = true;
    await openBatch(redis, batch, { leaseMs });
  }

  /**
   * Renews the lease of the batch. Throws when the lease has expired, because the sweeper may have discarded the batch
   * by then.
   */
  async function renew(): Promise<void> {
    if ((await redis.set(lease, '1', 'PX', leaseMs, 'XX')) === null) throw interrupted();
    await batch.onActivity?.();
  }

  try {
    const onSeal = (isAnswered: boolean) => {
      mayBeSealed = !isAnswered;
    };
    return await storeItems(redis, writer, { ...batch, onStart, onActivity: renew, onSeal });
  } catch (error) {
    // The stored items are removed at once, because Redis may be full. The lease is removed too, and the sweeper then
    // removes the rest of the batch. If it is unknown whether the batch was sealed (marked as completely received),
    // because the reply of Redis was lost, the items stay: a sealed batch needs them.
    if (opened) {
      await redis.unlink(lease).catch(() => {});
      if (!mayBeSealed) await writer.discard().catch(() => {});
    }
    throw error;
  }
}

/** The items of a batch in state `accepting`, as they arrive. */
export interface NewItems {
  id: string;
  items: ItemSource;
  /** The columns that the request named. They are used when the format of the items has no columns. */
  options: Pick<OpenedBatch['options'], 'columns' | 'columnNames' | 'columnTypes'>;
  storesHash: boolean;
  /** Called when the first bytes have arrived. */
  onStart?: () => Promise<void>;
  /**
   * Called while bytes arrive, at most every five seconds, and once before the batch is sealed. If it throws, the
   * intake ends with that error.
   */
  onActivity: () => Promise<void>;
  /**
   * Called with false before the batch is sealed (marked as completely received), and with true after Redis has
   * replied. Between the two calls it is unknown whether the batch is sealed.
   */
  onSeal?: (isAnswered: boolean) => void;
}

/**
 * Writes the payloads of a batch in state `accepting`, and then seals the batch (marks it as completely received).
 * After an interruption any process may start again with the first item, because the same payloads get the same keys.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and errors that occur while the items are read.
 */
export async function storeItems(redis: Redis, writer: ChunkWriter, batch: NewItems): Promise<number> {
  const { id, options } = batch;
  let hasStarted = false;
  let activeAt = Number.NEGATIVE_INFINITY;
  const { header, bodyHash } = await readSource(batch.items, async (items) => {
    if (!hasStarted) await batch.onStart?.();
    hasStarted = true;
    if (performance.now() - activeAt > activityMs) {
      activeAt = performance.now();
      await batch.onActivity();
    }
    for (const item of items) await writer.add(item);
  });
  const { columns, columnNames, columnTypes } =
    header === undefined ? options : { columns: header.names, columnNames: header.columns, columnTypes: header.types };
  const columnBytes = columns === undefined ? 0 : JSON.stringify([columns, columnNames, columnTypes]).length;
  const { chunks, total, inputBytes } = await writer.end(columnBytes);
  if (total === 0) throw new ServiceError('batch.empty', 'The batch has no items');
  await batch.onActivity();
  const hash = batch.storesHash ? bodyHash() : undefined;
  batch.onSeal?.(false);
  const isSealed = await sealBatch(redis, id, {
    ...{ chunks, total, bodyHash: hash, inputBytes },
    ...{ columns, columnNames, columnTypes },
  });
  batch.onSeal?.(true);
  if (!isSealed) throw interrupted();
  return total;
}
