import { ServiceError } from '../../shared/errors.ts';
import { storedBytes, storedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchOptions } from '../store/record.ts';
import { createClaims } from './claims.ts';
import type { RoomGauge } from './free-space.ts';

/** Bytes that batches hold of Redis' memory, by tenant: from their intake until they are forgotten. */
export interface StoredBytes {
  /**
   * Counts what a batch stores, instead of what it was counted with before.
   * @throws {ServiceError} `tenant.queue_full` when its tenant would hold more than its share.
   */
  claim(id: string, tenant: string, stored: Stored): Promise<void>;
  /** The batch is forgotten, or its payloads are. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See `Claims.releaseAbsent`. */
  releaseAbsent(): Promise<void>;
}

/** What Redis keeps of a batch. */
export interface Stored {
  /** Bytes of its inputs. */
  inputs: number;
  options: Pick<BatchOptions, 'columns' | 'columnNames'>;
}

/** Results repeat metadata and ids, and errors name addresses: outputs take as much as inputs, at most about. */
const inputsAndOutputs = 2;
/** Record, events, extremes, keys and entries in lists of a batch, in bytes; a batch of one item takes about 4 KiB. */
const perBatch = 8_192;
/**
 * A tenant may hold so many times what is left for the others. A lone tenant gets two thirds of the room, two get two
 * fifths each, and for the next one there is always room.
 */
const timesFree = 2;
/** This share of the room is a tenant's in any case, as long as Redis takes batches at all. */
const guaranteedShare = 1 / 64;

export function createStoredBytes(redis: Redis, room: RoomGauge): StoredBytes {
  const claims = createClaims(redis, [storedBytes(redis), storedSums(redis)]);

  /** The most that a tenant may hold now, in bytes; 0: any number. */
  async function limitNow(): Promise<number> {
    const [space, claimed] = await Promise.all([room.space(), claims.all()]);
    if (space === undefined) return 0;
    // Claims run ahead of the memory in use by the outputs that are still to come.
    const free = Math.min(space.free, space.capacity - claimed);
    return Math.max(1, Math.floor(Math.max(timesFree * free, guaranteedShare * space.capacity)));
  }

  return {
    async claim(id, tenant, { inputs, options }) {
      const limit = await limitNow();
      const bytes = perBatch + inputsAndOutputs * inputs + recordBytes(options);
      const { verdict, sum } = await claims.claim({ id, tenant, amount: bytes, tenantLimit: limit, totalLimit: 0 });
      if (verdict === 'ok') return;
      const megabytes = (count: number) => Math.ceil(count / 1024 / 1024);
      throw new ServiceError(
        'tenant.queue_full',
        `${tenant} holds ${megabytes(sum)} MiB of Redis, and may hold ${megabytes(limit)} MiB with this batch; delete batches, or wait until some have expired`,
        { retryAfter: 60 },
      );
    },
    release: claims.release,
    releaseAbsent: claims.releaseAbsent,
  };
}

/** The columns of a CSV are part of the record. */
const recordBytes = ({ columns, columnNames }: Stored['options']): number =>
  columns === undefined ? 0 : JSON.stringify([columns, columnNames]).length;
