import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';

/** By then jobs in flight are done or returned to the queue. */
const closingMs = 15_000;

/**
 * Closes a worker, but does not wait longer than `closingMs`. BullMQ waits without limit for its blocking connection,
 * which may never close just after a server of a cluster has returned.
 */
export async function closeWorker(worker: Worker, force = false): Promise<void> {
  await Promise.race([worker.close(force), delay(closingMs, undefined, { ref: false })]);
}
