import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type Admission, type ChunkWriter, createChunkWriter, interrupted } from './chunk-writer.ts';
import { type ItemSource, readSource } from './item-source.ts';
import { type OpenedBatch, openBatch } from './open.ts';
import { sealBatch } from './seal.ts';

/** A batch is discarded after this time without new bytes, in milliseconds. */
const leaseMs = 30_000;
/** Time between two calls of `onActivity` while bytes arrive, in milliseconds. */
const activityMs = 5_000;

/** A batch that is about to be stored. */
export interface NewBatch extends OpenedBatch, Admission {
  items: ItemSource;
  /** Stores the hash of the body, for a batch with an idempotency key. */
  storesHash: boolean;
  /** Called at most every five seconds while bytes arrive, and before the seal. An error that it throws ends the intake. */
  onActivity?: () => Promise<void>;
}

/**
 * Stores a batch as its items arrive: state `accepting` under a lease, payloads first, then one script seals it. Before
 * the seal the batch is invisible, and an interrupted stream leaves nothing.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and the errors of reading the items.
 */
export async function storeBatch(redis: Redis, payloads: PayloadStore, batch: NewBatch): Promise<number> {
  const { lease } = batchKeys(redis, batch.id);
  const writer = createChunkWriter(redis, payloads, batch.id, batch);
  let opened = false;
  let mayBeSealed = false;

  /** Opens the batch once its first bytes have arrived. */
  async function onStart(): Promise<void> {
    opened = true;
    await openBatch(redis, batch, { leaseMs });
  }

  /** Renews the lease. An expired lease means that the sweeper has discarded the batch. */
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
    // Frees memory of Redis at once, as it may be full. The sweeper removes the rest of a batch without a lease. If the
    // reply to the seal was lost, the batch may exist and needs its items.
    if (opened) {
      await redis.unlink(lease).catch(() => {});
      if (!mayBeSealed) await writer.discard().catch(() => {});
    }
    throw error;
  }
}

/** The items of an open batch. */
export interface NewItems {
  id: string;
  items: ItemSource;
  /** Columns that the request named, for items of a format without columns. */
  options: Pick<OpenedBatch['options'], 'columns' | 'columnNames' | 'columnTypes'>;
  storesHash: boolean;
  /** Called when the first bytes have arrived. */
  onStart?: () => Promise<void>;
  /** Called at most every five seconds while bytes arrive, and before the seal. An error that it throws ends the intake. */
  onActivity: () => Promise<void>;
  /**
   * Called with false before the seal and with true after its reply. In between, it is unknown whether the batch is
   * sealed.
   */
  onSeal?: (isAnswered: boolean) => void;
}

/**
 * Writes the payloads of an open batch, and seals it. It may be repeated from the first item, also by another process: the
 * same payloads go to the same keys.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and the errors of reading the items.
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
