import type { HandBack } from '../batches/queue/chunk-consumer.ts';

/**
 * The delay in ms of a chunk that is returned to the queue after an error of the worker itself. The worker pauses for
 * the same time.
 */
const errorDelayMs = 5_000;
/**
 * The delay in ms of a chunk that is returned to the queue because only another worker can score it. This worker
 * continues with other chunks.
 */
const mismatchDelayMs = 1_000;
/** The time in ms after a commit during which a worker counts as able to score chunks. */
const usefulMs = 60_000;

/** Returns chunks to the queue (hands them back), and decides whether the worker pauses. */
export interface HandingBack {
  /** Returns a chunk to the queue after an error of this worker that would affect every chunk. The worker pauses. */
  forWorker(reason: string): HandBack;
  /**
   * Returns a chunk to the queue after an error that affects only this chunk or its tenant. The worker continues with
   * other chunks.
   */
  forChunk(reason: string): HandBack;
  /**
   * Returns a chunk to the queue because this worker lacks something that another worker has, such as the model of the
   * batch.
   */
  forOtherWorker(reason: string): HandBack;
  /**
   * Returns a chunk to the queue because its model cannot be loaded. If this worker scores chunks of other models, it
   * continues. If it scores nothing, it pauses, so that other workers get the chunks.
   */
  forModel(reason: string): HandBack;
  /** Called after each commit of a chunk. A commit means that the worker is healthy. */
  committed(): void;
}

/** @param onHealth called with the current fault of the worker, or with null when the worker is healthy. */
export function createHandingBack(onHealth: (fault: string | null) => void): HandingBack {
  let committedAt = Number.NEGATIVE_INFINITY;
  const forWorker = (reason: string): HandBack => {
    onHealth(reason);
    return { handBack: reason, delayMs: errorDelayMs, pauseMs: errorDelayMs };
  };
  const forChunk = (reason: string): HandBack => ({ handBack: reason, delayMs: errorDelayMs, pauseMs: 0 });
  return {
    forWorker,
    forChunk,
    forOtherWorker: (reason) => ({ handBack: reason, delayMs: mismatchDelayMs, pauseMs: 0 }),
    forModel: (reason) => (performance.now() - committedAt < usefulMs ? forChunk(reason) : forWorker(reason)),
    committed() {
      committedAt = performance.now();
      onHealth(null);
    },
  };
}

/** The delay in ms of further chunks of a tenant, after the image hosts of one of its chunks could not be reached. */
export const networkDelayMs = errorDelayMs;
