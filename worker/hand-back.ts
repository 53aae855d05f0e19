import type { HandBack } from '../batches/queue/chunk-consumer.ts';

/** The delay in ms of a chunk that is returned after an error of the worker, and the pause of the worker. */
const errorDelayMs = 5_000;
/** The delay in ms of a chunk that only another worker can score. This worker does not pause. */
const mismatchDelayMs = 1_000;
/** Milliseconds after a commit during which the worker counts as able to score chunks. */
const usefulMs = 60_000;

export interface HandingBack {
  /** For an error that would affect every chunk. The worker pauses. */
  forWorker(reason: string): HandBack;
  /** For an error that affects only this chunk or its tenant. The worker continues with others. */
  forChunk(reason: string): HandBack;
  /** For a chunk that needs something of another worker, such as a model. */
  forOtherWorker(reason: string): HandBack;
  /** For a model that cannot be loaded. The worker pauses unless it scores chunks of other models. */
  forModel(reason: string): HandBack;
  /** Records a commit, after which the worker counts as healthy. */
  committed(): void;
}

/** @param onHealth called with the current fault of the worker, or with null when it is healthy. */
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

/** The delay in ms of further chunks of a tenant after the image hosts of one chunk could not be reached. */
export const networkDelayMs = errorDelayMs;
