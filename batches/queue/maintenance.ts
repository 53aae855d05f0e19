import { Queue, Worker } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { maintenanceQueueName, queuePrefix } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { closeWorker } from './close-worker.ts';
import type { JobConsumer } from './job-consumer.ts';
import { restWhenRefused, workerOptions } from './worker-options.ts';

/**
 * Runs `sweep` every `everyMs` ms in one of the processes, chosen by BullMQ. BullMQ cannot schedule it in a full Redis,
 * just when `sweep` would free memory. A process therefore runs it itself after three intervals without a run.
 */
export function scheduleMaintenance(
  redis: Redis,
  everyMs: number,
  sweep: () => Promise<void>,
  log: Logger,
): JobConsumer {
  const queue = new Queue(maintenanceQueueName, { connection: redis, prefix: queuePrefix(redis) });
  let sweptAt = performance.now();
  const run = async () => {
    sweptAt = performance.now();
    await sweep();
  };
  const worker = new Worker(maintenanceQueueName, run, {
    ...workerOptions(redis),
    concurrency: 1,
    lockDuration: 30_000,
  });
  const withoutQueue = setInterval(() => {
    if (redis.status !== 'ready' || performance.now() - sweptAt < 3 * everyMs) return;
    run().catch((error: Error) => log.error({ err: error }, 'sweep failed'));
  }, everyMs);
  const onError = (error: Error) => log.debug({ err: error }, 'connection error of the maintenance queue');
  queue.on('error', onError);
  restWhenRefused(worker);
  worker.on('error', onError);
  worker.on('failed', (_, error) => log.error({ err: error }, 'sweep failed'));
  const retained = { removeOnComplete: { count: 20 }, removeOnFail: { count: 20 } };
  queue
    .upsertJobScheduler('sweep', { every: everyMs }, { name: 'sweep', opts: retained })
    .catch((error: Error) => log.warn({ err: error }, 'the sweep could not be scheduled'));
  return {
    async close(force) {
      clearInterval(withoutQueue);
      await closeWorker(worker, force);
      if (!force) await queue.close();
    },
  };
}
