import type { Redis } from '../shared/redis.ts';
import { batchKeys } from './keys.ts';
import type { Queues } from './queues.ts';
import type { BatchRecord } from './record.ts';
import { runScript } from './scripts.ts';

/** Chunks of one batch that wait in the queue at most; those being evaluated come on top. */
export const windowChunks = 32;

type Dispatched = Pick<BatchRecord, 'id' | 'tenant' | 'profile'>;

/**
 * Opens a batch's window and enqueues what it lets through. Safe to repeat: a chunk that was let through and not
 * enqueued, because the process died between the two, stays in `waiting` until the sweeper finds it without a job.
 */
export async function dispatch(redis: Redis, queues: Queues, batch: Dispatched): Promise<void> {
  const keys = batchKeys(batch.id);
  const chunks = (await runScript(redis, 'dispatch', [keys.batch, keys.waiting], [windowChunks])) as number[];
  if (chunks.length > 0) await queues.add(batch.profile, batch.tenant, batch.id, chunks);
}
