import { ServiceError } from '../../shared/errors.ts';
import { fullestOf, memoryOf } from '../../shared/redis/info.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';

/** Whether Redis has room for more batches. */
export interface RoomGauge {
  /** @throws {ServiceError} `queue.full` */
  check(): Promise<void>;
  /** Nothing when neither Redis nor its machine states a limit. */
  space(): Promise<Space | undefined>;
}

/** Memory for batches, in bytes; of a cluster on all servers together, each as full as the fullest. */
export interface Space {
  /** All that batches may fill, with whatever else Redis holds. */
  capacity: number;
  /** What is left of it; negative beyond. */
  free: number;
}

/** Beyond this share of its memory Redis takes no new batch: what is running still needs room for its results. */
const fullShare = 0.85;
/** A look at Redis' memory counts for this long, in milliseconds. */
const freshMs = 500;

/**
 * Stops admission before Redis is full; of a cluster the fullest server decides, as a batch may come to lie on any, and
 * the order of all of them lies on one. Redis without a limit of its own (`maxmemory 0`) is measured against the
 * memory of its machine.
 */
export function createRoomGauge(redis: Redis): RoomGauge {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let used = 0;
  let limit = 0;
  let limits = 0;

  async function look(): Promise<void> {
    if (performance.now() - lookedAt <= freshMs) return;
    const infos = await askMasters(redis, (master) => master.info('memory'));
    ({ used, limit } = fullestOf(infos));
    limits = infos.reduce((sum, info) => sum + memoryOf(info).limit, 0);
    lookedAt = performance.now();
  }

  return {
    async check() {
      await look();
      if (limit === 0 || used < limit * fullShare) return;
      const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
      throw new ServiceError(
        'queue.full',
        `Redis holds ${megabytes(used)} of ${megabytes(limit)} MiB; batches are taken again when some have expired or been deleted`,
        { retryAfter: 60 },
      );
    },
    async space() {
      await look();
      if (limit === 0) return undefined;
      return { capacity: limits * fullShare, free: limits * (fullShare - used / limit) };
    },
  };
}
