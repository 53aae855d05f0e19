import { ServiceError } from '../../shared/errors.ts';
import { fullestOf, memoryOf } from '../../shared/redis/info.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';

/** Measures the free memory of Redis for batches. */
export interface FreeSpaceGauge {
  /** @throws {ServiceError} `queue.full` when there is too little for a new batch. */
  check(): Promise<void>;
  /** Returns the free memory; undefined when neither Redis nor its machine has a limit. */
  measure(): Promise<FreeSpace | undefined>;
}

/**
 * Memory for batches, in bytes. On a cluster it is the sum over all servers, as if each were as full as the fullest.
 */
export interface FreeSpace {
  /** Memory that batches and all other data of Redis may use together. */
  capacity: number;
  /** The unused part of it; negative when more is used. */
  free: number;
}

/** Above this share of used memory Redis accepts no new batch: running batches need the rest for their results. */
const fullShare = 0.85;
/** Lifetime of a measurement, in milliseconds. */
const freshMs = 500;

/**
 * Refuses new batches before Redis is full. On a cluster the fullest server decides, since a batch may be on any server
 * and one server holds the lists of all batches. A Redis without a limit (`maxmemory 0`) is compared with the memory of
 * its machine.
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
    async check() {
      await refresh();
      if (limit === 0 || used < limit * fullShare) return;
      const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
      throw new ServiceError(
        'queue.full',
        `Redis holds ${megabytes(used)} of ${megabytes(limit)} MiB; retry when batches have expired or been deleted`,
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
