import type { Worker } from 'bullmq';
import { faultOfReply } from '../../shared/redis/fault.ts';
import { queuePrefix } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * Returns the options of all BullMQ workers. A job stalls when its worker dies. That is not the fault of the job, so it
 * may stall often.
 */
export const workerOptions = (redis: Redis) =>
  ({
    connection: redis,
    prefix: queuePrefix(redis),
    maxStalledCount: 1000,
    // Milliseconds until a worker tries Redis again. With BullMQ's 15 s, encoders would stay idle after Redis is back.
    runRetryDelay: 1_000,
  }) as const;

/** The lock time and the check interval in ms. Jobs of a killed worker return to the queue within their sum. */
export const quickRecovery = { lockDuration: 10_000, stalledInterval: 5_000 } as const;

/** The pause in ms after an error of Redis. */
export const refusedRestMs = 1_000;

/** Pauses a worker after an error of Redis. Otherwise BullMQ would retry thousands of times a second. */
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
