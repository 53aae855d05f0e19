import { ServiceError } from '../../shared/errors.ts';
import { fullestOf, memoryOf } from '../../shared/redis/info.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';

/** Measures the memory of Redis that is free for batches. */
export interface FreeSpaceGauge {
  /**
   * Throws when too little memory is free for a new batch.
   * @param expected the bytes that the batch will certainly need later. Default: 0.
   * @throws {ServiceError} `queue.full`
   */
  check(expected?: number): Promise<void>;
  /** Returns undefined when neither Redis nor its machine reports a limit. */
  measure(): Promise<FreeSpace | undefined>;
}

/**
 * Memory of Redis in bytes. On a cluster it is a total, calculated as if every server were as full as the fullest one.
 */
export interface FreeSpace {
  /** The maximum for batches and all other data of Redis. */
  capacity: number;
  /** The unused part of the capacity. Negative while Redis uses more. */
  free: number;
}

/** The used share of the memory of Redis above which batches are refused. Running batches need the rest for results. */
const fullShare = 0.85;
/** The time in ms for which a measurement is reused. */
const freshMs = 500;

/**
 * Creates the gauge. On a cluster the fullest server counts, because any server may store the next batch. Without a
 * limit of Redis (`maxmemory 0`), the memory of its machine is the limit.
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
