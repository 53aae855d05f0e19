import { ServiceError } from '../../shared/errors.ts';
import { fullestOf, memoryOf } from '../../shared/redis/info.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';

/** Measures how much memory of Redis is free for batches. */
export interface FreeSpaceGauge {
  /**
   * Throws when too little memory of Redis is free for a new batch.
   * @param expected the number of bytes that the batch is known to need later. Default: 0.
   * @throws {ServiceError} `queue.full`
   */
  check(expected?: number): Promise<void>;
  /** Returns the free memory. Returns undefined when neither Redis nor its machine reports a limit. */
  measure(): Promise<FreeSpace | undefined>;
}

/**
 * The memory of Redis for batches, in bytes. On a cluster, `capacity` and `free` are totals of all servers, calculated
 * as if every server were as full as the fullest one.
 */
export interface FreeSpace {
  /** The maximum memory that batches and all other data of Redis may use together. */
  capacity: number;
  /** The unused part of the capacity. It is negative while Redis uses more memory than the capacity. */
  free: number;
}

/**
 * The share of the memory limit of Redis above which no new batch is accepted. Running batches need the rest for their
 * results.
 */
const fullShare = 0.85;
/** The time in ms for which a measurement of the memory is reused. */
const freshMs = 500;

/**
 * Creates the gauge, which refuses new batches before Redis is full. On a cluster it measures the fullest server,
 * because any server may store the next batch, and one server stores the lists of all batches. When Redis has no limit
 * (`maxmemory 0`), the memory of its machine is the limit.
 */
export function createFreeSpaceGauge(redis: Redis): FreeSpaceGauge {
  let measuredAt = Number.NEGATIVE_INFINITY;
  let used = 0;
  let limit = 0;
  let limits = 0;

  async function refresh(): Promise<void> {
    if (performance.now() - measuredAt <= freshMs) return;
    const infos = await askMasters(redis, (master) => master.info('memory'));
    ({ used, limit } = fullestOf(infos));
    limits = infos.reduce((sum, info) => sum + memoryOf(info).limit, 0);
    measuredAt = performance.now();
  }

  return {
    async check(expected = 0) {
      await refresh();
      if (limit === 0 || used + expected < limit * fullShare) return;
      const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
      if (used < limit * fullShare) {
        throw new ServiceError(
          'queue.full',
          `The embeddings of this batch need at least ${megabytes(expected)} MiB, but Redis already uses ${megabytes(used)} of its ${megabytes(limit)} MiB; retry with fewer items, with float16 or with one kind of embeddings`,
          { retryAfter: 60 },
        );
      }
      throw new ServiceError(
        'queue.full',
        `Redis uses ${megabytes(used)} of its ${megabytes(limit)} MiB; retry when batches have expired or been deleted`,
        { retryAfter: 60 },
      );
    },
    async measure() {
      await refresh();
      if (limit === 0) return undefined;
      return { capacity: limits * fullShare, free: limits * (fullShare - used / limit) };
    },
  };
}
