import type { ItemStream } from '../../formats/items.ts';
import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import type { BatchOptions } from '../store/record.ts';
import { type Admission, type ChunkWriter, createChunkWriter, interrupted } from './chunk-writer.ts';
import { type OpenedBatch, openBatch } from './open.ts';
import { sealBatch } from './seal.ts';

/** Time after which a batch is discarded when no bytes arrive, in milliseconds. */
const leaseMs = 30_000;
/** Time between two calls of `onActivity` while bytes arrive, in milliseconds. */
const activityMs = 5_000;

/** A batch that is about to be stored. */
export interface NewBatch extends OpenedBatch, Admission {
  items: ItemStream;
  /** SHA-256 of the body, asked for when the items have been read; nothing when the batch has no idempotency key. */
  bodyHash?: () => string;
  /** Called at most every five seconds while bytes arrive, and before the seal. An error that it throws ends the intake. */
  onActivity?: () => Promise<void>;
}

/**
 * Stores a batch as its items arrive: state `accepting` under a lease, payloads first, then one script seals it. Before the
 * seal nobody sees it, and a stream that breaks off leaves nothing.
 * @returns the number of items.
 * @throws {ServiceError} `batch.empty`, `batch.interrupted`, and the errors of reading the items.
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

  /** Renews the lease. When it ran out, the sweeper has discarded the batch. */
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
    // Memory of Redis is freed at once, as it may be full. The sweeper removes the rest: it finds the batch without a lease.
    // After a lost reply to the seal the batch may exist, and needs its items.
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
  items: ItemStream;
  /** What stands in the columns of CSV is filled in while the items are read. */
  options: BatchOptions;
  bodyHash?: (() => string) | undefined;
  /** Called at most every five seconds while bytes arrive, and before the seal. An error that it throws ends the intake. */
  onActivity: () => Promise<void>;
  /** Called with false before the seal and with true after its reply. Between both, the result is unknown. */
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
