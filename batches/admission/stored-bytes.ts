import { ServiceError } from '../../shared/errors.ts';
import { batchKeys, storedBytes, storedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchRecord } from '../store/record.ts';
import { createClaims } from './claims.ts';
import type { FreeSpaceGauge } from './free-space.ts';

/** Limits the memory of Redis that the batches of a tenant use, from the first items until deletion. */
export interface StoredBytes {
  /**
   * Replaces the number of bytes that a batch counts.
   * @throws {ServiceError} `tenant.queue_full` when the tenant would use more than its share of the memory.
   */
  claim(id: string, tenant: string, stored: Stored): Promise<void>;
  /** Replaces the expected size of the outputs of an ended batch with the actual size. Safe to repeat. */
  settle(batch: Pick<BatchRecord, 'id' | 'inputBytes' | 'outputBytes'>): Promise<void>;
  /** Stops counting a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See {@link Claims.releaseAbsent}. */
  releaseAbsent(): Promise<void>;
}

/** In bytes of Redis memory. */
export interface Stored {
  /** The size of the items as posted, without the factor {@link inputsAndOutputs}. */
  inputs: number;
  /** The size of the column names of tables, plus the size by which outputs exceed their inputs. */
  columns: number;
}

/**
 * Inputs count twice because outputs need about as much memory: results repeat ids and metadata. They count from the
 * start, because a result cannot be refused later.
 */
const inputsAndOutputs = 2;
/** Bytes that a batch needs besides its payloads (record, events, keys). A batch of one item takes about 4 KiB. */
const perBatch = 8_192;
/**
 * A tenant may use this many times the free memory. With 2, one tenant gets two thirds, and two get two fifths each.
 */
const timesFree = 2;
/** The share of the capacity that every tenant may use even when little memory is free. */
const guaranteedShare = 1 / 64;

export function createStoredBytes(redis: Redis, freeSpace: FreeSpaceGauge): StoredBytes {
  const claims = createClaims(redis, [storedBytes(redis), storedSums(redis)]);

  /** Returns the current limit of each tenant in bytes; 0 means no limit. */
  async function limitNow(): Promise<number> {
    const [space, claimed] = await Promise.all([freeSpace.measure(), claims.all()]);
    if (space === undefined) return 0;
    // Claims can exceed the memory in use, because they include outputs that are not written yet.
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
