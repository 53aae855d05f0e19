import type { HandBack } from '../batches/queue/chunk-consumer.ts';

/** Delay of the chunk, and pause of the worker, after an error of this worker (ms). */
const errorDelayMs = 5_000;
/** Delay of a chunk that only another worker can score (ms). This worker continues with other chunks. */
const mismatchDelayMs = 1_000;
/** A worker that committed a chunk within this time counts as working (ms). */
const usefulMs = 60_000;

/** Hands chunks back, and decides whether the worker pauses. */
export interface HandingBack {
  /** After an error of this worker, which would fail every chunk. The worker pauses. */
  forWorker(reason: string): HandBack;
  /** After an error of this chunk or its tenant. The worker continues with other chunks. */
  forChunk(reason: string): HandBack;
  /** For a chunk that needs a model of another worker. */
  forOtherWorker(reason: string): HandBack;
  /**
   * For a model that cannot be loaded. A worker that scores chunks of other models continues. A worker that scores
   * nothing pauses and leaves the queue to others.
   */
  forModel(reason: string): HandBack;
  /** Call after each commit. */
  committed(): void;
}

/** @param onHealth called with the current fault, or null when healthy. */
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

/** Delay of a tenant's chunks after one whose image hosts could not be reached (ms). */
export const networkDelayMs = errorDelayMs;
