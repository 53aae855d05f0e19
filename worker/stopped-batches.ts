import { ServiceError } from '../shared/errors.ts';

/**
 * Checks regularly whether the batches that this worker is scoring were stopped. If a batch was stopped, the scoring of
 * its chunks is aborted.
 */
export interface StoppedBatches {
  /**
   * Returns a signal that aborts when the batch is cancelled, deleted or ended. `end` must be called when the chunk is
   * done.
   */
  follow(batchId: string): { signal: AbortSignal; end(): void };
  close(): void;
}

interface Followed {
  abort: AbortController;
  chunks: number;
}

/**
 * The interval in ms between two checks. A check is cheap, because a worker seldom scores more than eight batches at a
 * time.
 */
const readEveryMs = 1_000;

/** @param stopped returns those of the given batch ids whose batches accept no more outcomes. */
export function createStoppedBatches(
  stopped: (batchIds: readonly string[]) => Promise<readonly string[]>,
  everyMs = readEveryMs,
): StoppedBatches {
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function read(): Promise<void> {
    // If the check fails because Redis is unavailable, the next check finds the stopped batches.
    const ids = await stopped([...followed.keys()]).catch(() => []);
    for (const id of ids) followed.get(id)?.abort.abort(new ServiceError('cancelled', 'The batch was stopped'));
    timer = undefined;
    readLater();
  }

  function readLater(): void {
    if (followed.size > 0 && !isClosed) timer ??= setTimeout(() => void read(), everyMs);
  }

  return {
    follow(batchId) {
      const batch = followed.get(batchId) ?? { abort: new AbortController(), chunks: 0 };
      followed.set(batchId, batch);
      batch.chunks++;
      readLater();
      return {
        signal: batch.abort.signal,
        end() {
          if (--batch.chunks === 0) followed.delete(batchId);
        },
      };
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
