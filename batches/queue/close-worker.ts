import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';

/**
 * The maximum time in ms for which the process waits until a worker is closed. By then its jobs in flight are done or
 * returned to the queue.
 */
const closingMs = 15_000;

/**
 * Closes a worker, and waits for at most `closingMs`. BullMQ itself waits without limit for the jobs in flight and for
 * its blocking connection. On a cluster, this connection may never close if a server has just become available again.
 */
export async function closeWorker(worker: Worker, force = false): Promise<void> {
  await Promise.race([worker.close(force), delay(closingMs, undefined, { ref: false })]);
}
