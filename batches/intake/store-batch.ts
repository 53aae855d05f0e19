import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type Admission, type ChunkWriter, createChunkWriter, interrupted } from './chunk-writer.ts';
import { type ItemSource, readSource } from './item-source.ts';
import { type OpenedBatch, openBatch } from './open.ts';
import { sealBatch } from './seal.ts';

/** The time in ms after which a batch is discarded when its client sends no bytes. */
const leaseMs = 30_000;
/** The minimum time in ms between two calls of `onActivity` while bytes arrive. */
const activityMs = 5_000;

/** A batch that is about to be stored. */
export interface NewBatch extends OpenedBatch, Admission {
  items: ItemSource;
  /** True for a batch with an idempotency key. The record of such a batch contains the hash of its body. */
  storesHash: boolean;
  /**
   * Called at most every five seconds while bytes arrive, and before the batch is sealed. If it throws, the intake ends
   * with that error.
   */
  onActivity?: () => Promise<void>;
}

/**
 * Stores a batch while its items arrive. The batch is created in state `accepting` with a lease, its payloads are
 * written, and then one script seals it: its intake is complete. Until then the batch is invisible to clients, and an
 * interrupted request leaves nothing.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and errors that occur while the items are read.
 */
export async function storeBatch(redis: Redis, payloads: PayloadStore, batch: NewBatch): Promise<number> {
  const { lease } = batchKeys(redis, batch.id);
  const writer = createChunkWriter(redis, payloads, batch.id, batch);
  let opened = false;
  let mayBeSealed = false;

  /** Creates the batch when its first bytes have arrived. */
  async function onStart(): Promise<void> {
    opened = true;
    await openBatch(redis, batch, { leaseMs });
  }

  /** Renews the lease. Throws when the lease has expired, since the sweeper may have discarded the batch. */
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
    // Frees the memory of the items at once, since Redis may be full. The sweeper removes the remaining data, since the
    // batch has no lease now. If the reply to the seal was lost, the items stay, since the batch may be sealed and need
    // them.
    if (opened) {
      await redis.unlink(lease).catch(() => {});
      if (!mayBeSealed) await writer.discard().catch(() => {});
    }
    throw error;
  }
}

/** The items of a batch in state `accepting`. */
export interface NewItems {
  id: string;
  items: ItemSource;
  /** The columns that the request named. Used for items of a format without columns. */
  options: Pick<OpenedBatch['options'], 'columns' | 'columnNames' | 'columnTypes'>;
  storesHash: boolean;
  /** Called when the first bytes have arrived. */
  onStart?: () => Promise<void>;
  /**
   * Called at most every five seconds while bytes arrive, and before the batch is sealed. If it throws, the intake ends
   * with that error.
   */
  onActivity: () => Promise<void>;
  /**
   * Called twice: with false before the batch is sealed, and with true after Redis has replied. Between the two calls
   * it is unknown whether the batch is sealed.
   */
  onSeal?: (isAnswered: boolean) => void;
}

/**
 * Writes the payloads of a batch in state `accepting`, and seals the batch. Any process may repeat this from the first
 * item, since the same payloads get the same keys.
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
