import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';

/** Maximum wait for a worker to close, in milliseconds. By then jobs in flight are done or handed back. */
const closingMs = 15_000;

/**
 * Closes a worker. BullMQ waits for jobs in flight and for its blocking connection. On a cluster with a server that has
 * just returned, that connection may never close.
 */
export async function closeWorker(worker: Worker, force = false): Promise<void> {
  await Promise.race([worker.close(force), delay(closingMs, undefined, { ref: false })]);
}
