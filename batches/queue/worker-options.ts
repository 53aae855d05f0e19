import type { Worker } from 'bullmq';
import { faultOfReply } from '../../shared/redis/fault.ts';
import { queuePrefix } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * Options that every BullMQ worker here shares. A stall is no evidence against an item, so the number of stalls is
 * practically unbounded.
 */
export const workerOptions = (redis: Redis) =>
  ({
    connection: redis,
    prefix: queuePrefix(redis),
    maxStalledCount: 1000,
    // Delay before the next attempt after Redis was unreachable; BullMQ's default of 15 s would leave encoders idle.
    runRetryDelay: 1_000,
  }) as const;

/** Jobs of a killed worker return to their queue within the sum of both, in milliseconds. */
export const quickRecovery = { lockDuration: 10_000, stalledInterval: 5_000 } as const;

/** Rest of a worker that Redis has refused, in milliseconds. */
export const refusedRestMs = 1_000;

/** BullMQ asks again at once, some thousand times a second, of a Redis that refuses: the worker rests after a refusal. */
export function restWhenRefused(worker: Worker): void {
  let isResting = false;
  worker.on('error', ({ message }) => {
    if (isResting || worker.closing || faultOfReply(message) === undefined) return;
    isResting = true;
    void worker.pause(true);
    setTimeout(() => {
      isResting = false;
      if (!worker.closing) void worker.resume();
    }, refusedRestMs).unref();
  });
}
