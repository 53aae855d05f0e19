import { ServiceError } from '../../shared/errors.ts';
import { batchKeys, storedBytes, storedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchRecord } from '../store/record.ts';
import { createClaims } from './claims.ts';
import type { FreeSpaceGauge } from './free-space.ts';

/** Limits the memory of Redis that the batches of a tenant use, from their intake until their deletion. */
export interface StoredBytes {
  /**
   * Counts the memory of a batch, in place of its earlier amount.
   * @throws {ServiceError} `tenant.queue_full` when its tenant would use more than its share.
   */
  claim(id: string, tenant: string, stored: Stored): Promise<void>;
  /** Replaces the expected output bytes of an ended batch by the actual ones. Safe to repeat. */
  settle(batch: Pick<BatchRecord, 'id' | 'inputBytes' | 'outputBytes'>): Promise<void>;
  /** Removes a batch that was deleted, or whose payloads were. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See `Claims.releaseAbsent`. */
  releaseAbsent(): Promise<void>;
}

/** The parts of a batch that Redis stores. */
export interface Stored {
  /** Bytes of its inputs. */
  inputs: number;
  /** Bytes of the columns in its record. */
  columns: number;
}

/**
 * Outputs need about as much memory as inputs, since results repeat metadata and ids and errors quote addresses. They
 * are counted from the start, because they cannot be refused later.
 */
const inputsAndOutputs = 2;
/** Memory of the record, events, extremes, keys and list entries of a batch, in bytes. A batch of one item takes about 4 KiB. */
const perBatch = 8_192;
/**
 * A tenant may use this multiple of the free memory. One tenant then gets two thirds of the capacity, two tenants get
 * two fifths each, and there is always free memory for another.
 */
const timesFree = 2;
/** Share of the capacity that every tenant may use, while Redis accepts batches. */
const guaranteedShare = 1 / 64;

export function createStoredBytes(redis: Redis, freeSpace: FreeSpaceGauge): StoredBytes {
  const claims = createClaims(redis, [storedBytes(redis), storedSums(redis)]);

  /** Returns the limit of a tenant at this time, in bytes; 0: no limit. */
  async function limitNow(): Promise<number> {
    const [space, claimed] = await Promise.all([freeSpace.measure(), claims.all()]);
    if (space === undefined) return 0;
    // Claims include outputs that are not written yet, so they exceed the used memory.
    const free = Math.min(space.free, space.capacity - claimed);
    return Math.max(1, Math.floor(Math.max(timesFree * free, guaranteedShare * space.capacity)));
  }

  return {
    async claim(id, tenant, { inputs, columns }) {
      const limit = await limitNow();
      const bytes = perBatch + inputsAndOutputs * inputs + columns;
      const { verdict, sum } = await claims.claim({ id, tenant, amount: bytes, tenantLimit: limit, totalLimit: 0 });
      if (verdict === 'ok') return;
      const megabytes = (count: number) => Math.ceil(count / 1024 / 1024);
      throw new ServiceError(
        'tenant.queue_full',
        `Batches of ${tenant} use ${megabytes(sum)} MiB of Redis; with this batch they would exceed the limit of ${megabytes(limit)} MiB. Delete batches, or wait until some expire`,
        { retryAfter: 60 },
      );
    },
    async settle({ id, inputBytes, outputBytes = 0 }) {
      if (inputBytes === undefined) return;
      const { batch } = batchKeys(redis, id);
      const columns = await Promise.all(
        ['columns', 'columnNames', 'columnTypes'].map((name) => redis.hstrlen(batch, name)),
      );
      const record = columns.reduce((sum, bytes) => sum + bytes, 0);
      await claims.recount(id, perBatch + inputBytes + outputBytes + record);
    },
    release: claims.release,
    releaseAbsent: claims.releaseAbsent,
  };
}
