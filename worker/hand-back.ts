import type { HandBack } from '../batches/queue/chunk-consumer.ts';

/** The time in ms for which a chunk is delayed after an error of the worker itself, and for which the worker pauses. */
const errorDelayMs = 5_000;
/**
 * The time in ms for which a chunk is delayed that only another worker can score. This worker continues with other
 * chunks.
 */
const mismatchDelayMs = 1_000;
/** The time in ms after a commit during which a worker counts as working. */
const usefulMs = 60_000;

/** Hands chunks back (returns them to the queue), and decides whether the worker pauses. */
export interface HandingBack {
  /** Hands back a chunk after an error of this worker that would affect every chunk. The worker pauses. */
  forWorker(reason: string): HandBack;
  /**
   * Hands back a chunk after an error that affects only this chunk or its tenant. The worker continues with other
   * chunks.
   */
  forChunk(reason: string): HandBack;
  /** Hands back a chunk that needs a model of another worker. */
  forOtherWorker(reason: string): HandBack;
  /**
   * Hands back a chunk whose model cannot be loaded. A worker that scores chunks of other models continues. A worker
   * that scores nothing pauses, so that other workers get the chunks.
   */
  forModel(reason: string): HandBack;
  /** Records that the worker has committed a chunk, which means that it is healthy. Called after each commit. */
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

/**
 * The time in ms for which further chunks of a tenant are delayed, after the image hosts of one of its chunks could not
 * be reached.
 */
export const networkDelayMs = errorDelayMs;
