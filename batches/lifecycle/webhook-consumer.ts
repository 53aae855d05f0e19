import { type Job, UnrecoverableError } from 'bullmq';
import type { Logger } from '../../shared/log.ts';
import { webhookQueueName } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { consumeFairly } from '../queue/fair-jobs.ts';
import type { JobConsumer } from '../queue/job-consumer.ts';
import { webhookJobOptions } from '../queue/queues.ts';
import type { Delivered } from './webhook-delivery.ts';

/**
 * The limits of simultaneous deliveries of one worker. A receiver may take 15 s to respond, so each tenant gets four
 * even when others use all 16. Each delivery takes a socket and a few kilobytes.
 */
const shares = { places: 16, guaranteed: 4, hardLimit: 64, waitingPerTenant: 32 } as const;

/**
 * Delivers the queued webhooks, shared fairly between tenants.
 * @param deliver delivers the webhook of a batch. `isLast` is true for the last attempt.
 */
export function consumeWebhooks(
  redis: Redis,
  deliver: (batchId: string, isLast: boolean) => Promise<Delivered>,
  log: Logger,
): JobConsumer {
  const run = async (job: Job) => {
    const delivered = await deliver(String(job.data.batchId), job.attemptsMade + 1 >= webhookJobOptions.attempts);
    if (delivered.state === 'refused') throw new UnrecoverableError(delivered.reason);
    return delivered.state === 'later' ? { againInMs: delivered.inMs } : undefined;
  };
  const { worker, close } = consumeFairly(redis, { queue: webhookQueueName, ...shares, lockDuration: 60_000 }, run);
  worker.on('error', (error) => log.debug({ err: error }, 'connection error of the webhook queue'));
  worker.on('failed', (job, error) =>
    log.warn({ batchId: job?.data.batchId, tenant: job?.data.tenant, reason: error.message }, 'webhook not delivered'),
  );
  return { close };
}
