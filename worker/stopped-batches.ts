import { ServiceError } from '../shared/errors.ts';

/** Checks regularly which of the batches in progress were stopped, and aborts the scoring of their chunks. */
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

/** In ms. A check is cheap: a worker seldom scores more than eight batches at a time. */
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
    // Without Redis, the next check finds the stopped batches.
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
