import type { Worker } from 'bullmq';
import { faultOfReply } from '../../shared/redis/fault.ts';
import { queuePrefix } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * Returns the options of all BullMQ workers. A job stalls when its worker dies. This is not the fault of the job, so a
 * job may stall practically any number of times.
 */
export const workerOptions = (redis: Redis) =>
  ({
    connection: redis,
    prefix: queuePrefix(redis),
    maxStalledCount: 1000,
    // The time in ms after which a worker tries again to reach Redis. BullMQ's default is 15 s. Encoders would then
    // stay idle although Redis is available again.
    runRetryDelay: 1_000,
  }) as const;

/**
 * The lock time of a job, and the interval of the check for expired locks, in ms. The jobs of a killed worker return to
 * the queue within the sum of both.
 */
export const quickRecovery = { lockDuration: 10_000, stalledInterval: 5_000 } as const;

/** The time in ms for which a worker pauses after an error of Redis. */
export const refusedRestMs = 1_000;

/** Pauses a worker after an error of Redis. Without the pause, BullMQ would retry thousands of times a second. */
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
