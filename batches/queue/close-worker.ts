import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';

/** Longest wait for a worker to close, in milliseconds. By then work in flight is done or handed back. */
const closingMs = 15_000;

/**
 * BullMQ waits for what is in hand, and for the connection on which it waits for jobs. On a cluster of which a server
 * has just come back the latter may never end.
 */
export async function closeWorker(worker: Worker, force = false): Promise<void> {
  await Promise.race([worker.close(force), delay(closingMs, undefined, { ref: false })]);
}
