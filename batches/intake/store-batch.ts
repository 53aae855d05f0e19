import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type Admission, type ChunkWriter, createChunkWriter, interrupted } from './chunk-writer.ts';
import { type ItemSource, readSource } from './item-source.ts';
import { type OpenedBatch, openBatch } from './open.ts';
import { sealBatch } from './seal.ts';

/** The lease of a batch in ms. A batch whose client is silent for this time is discarded. */
const leaseMs = 30_000;
/** The minimum interval in ms between two calls of `onActivity`. */
const activityMs = 5_000;

export interface NewBatch extends OpenedBatch, Admission {
  items: ItemSource;
  /** True for a batch with an idempotency key, whose record needs the hash of the body. */
  storesHash: boolean;
  /**
   * Called while bytes arrive, at most every five seconds, and once before the batch is sealed. Its error ends the
   * intake.
   */
  onActivity?: () => Promise<void>;
}

/**
 * Stores a batch while its items arrive. Clients see it after the last step, which seals it (marks it as completely
 * received). An interrupted request leaves no data.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and errors that occur while the items are read.
 */
export async function storeBatch(redis: Redis, payloads: PayloadStore, batch: NewBatch): Promise<number> {
  const { lease } = batchKeys(redis, batch.id);
  const writer = createChunkWriter(redis, payloads, batch.id, batch);
  let opened = false;
  let mayBeSealed = false;

  async function onStart(): Promise<void> {
    opened = true;
    await openBatch(redis, batch, { leaseMs });
  }

  /** Renews the lease. Throws when it has expired, because the sweeper may have discarded the batch. */
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
    // The items are removed at once, because Redis may be full. Without the lease the sweeper removes the rest. After a
    // lost reply the batch may be sealed (completely received), so its items stay.
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
  /** The columns that the request named, for formats without columns. */
  options: Pick<OpenedBatch['options'], 'columns' | 'columnNames' | 'columnTypes'>;
  storesHash: boolean;
  onStart?: () => Promise<void>;
  /**
   * Called while bytes arrive, at most every five seconds, and once before the batch is sealed. Its error ends the
   * intake.
   */
  onActivity: () => Promise<void>;
  /**
   * Called with false before the batch is sealed, and with true after the reply of Redis. Between the calls it is
   * unknown whether the batch is sealed.
   */
  onSeal?: (isAnswered: boolean) => void;
}

/**
 * Writes the payloads of a batch in state `accepting`, and then seals it (marks it as completely received). Any process
 * may start again, because the same payloads get the same keys.
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
