import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';

/** The maximum time in ms to wait until a worker has closed. By then its jobs in flight are done or handed back. */
const closingMs = 15_000;

/**
 * Closes a worker, and waits for at most `closingMs`. BullMQ waits without limit for the jobs in flight and for its
 * blocking connection. On a cluster this connection may never close when a server has just returned.
 */
export async function closeWorker(worker: Worker, force = false): Promise<void> {
  await Promise.race([worker.close(force), delay(closingMs, undefined, { ref: false })]);
}
