import { ServiceError } from '../shared/errors.ts';

/** Checks regularly whether the batches whose chunks this worker scores were stopped, and aborts their chunks. */
export interface StoppedBatches {
  /** Returns a signal that aborts when the batch is cancelled, deleted or ended. Call `end` when the chunk is done. */
  follow(batchId: string): { signal: AbortSignal; end(): void };
  close(): void;
}

interface Followed {
  abort: AbortController;
  chunks: number;
}

/**
 * The time in ms between two checks. A check is cheap, since a worker seldom scores more than eight batches at a time.
 */
const readEveryMs = 1_000;

/** @param stopped returns those of the given batches that accept no more outcomes. */
export function createStoppedBatches(
  stopped: (batchIds: readonly string[]) => Promise<readonly string[]>,
  everyMs = readEveryMs,
): StoppedBatches {
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function read(): Promise<void> {
    // While Redis is unavailable, no batch can be stopped. The next check finds batches that were stopped before.
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
