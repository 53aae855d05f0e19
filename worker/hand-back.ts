import type { HandBack } from '../batches/queue/chunk-consumer.ts';

/** After an error of this worker: how long the chunk waits, and how long the worker takes no chunk (ms). */
const errorDelayMs = 5_000;
/** How long a chunk waits that another worker can score (ms). This one continues with others. */
const mismatchDelayMs = 1_000;
/** A worker that has committed a chunk within this time works (ms). */
const usefulMs = 60_000;

/** Hands chunks back, and decides whether the worker pauses. */
export interface HandingBack {
  /** An error of this worker, which would fail every chunk: it takes none for a while. */
  forWorker(reason: string): HandBack;
  /** An error of this chunk or its tenant. The worker continues with others. */
  forChunk(reason: string): HandBack;
  /** Another worker has what this chunk needs. */
  forOtherWorker(reason: string): HandBack;
  /**
   * A model that cannot be loaded. A worker that scores chunks of other models continues. One that scores nothing pauses,
   * to leave the queue to others.
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

/** How long chunks of a tenant wait after one whose image hosts could not be reached (ms). */
export const networkDelayMs = errorDelayMs;
