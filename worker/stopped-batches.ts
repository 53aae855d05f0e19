import { ServiceError } from '../shared/errors.ts';

/** Watches the batches whose chunks this worker scores, and aborts chunks of a batch that is stopped. */
export interface StoppedBatches {
  /** @returns a signal that aborts when the batch is cancelled, deleted or ended; call `end` when the chunk is done. */
  follow(batchId: string): { signal: AbortSignal; end(): void };
  close(): void;
}

interface Followed {
  abort: AbortController;
  chunks: number;
}

/** Interval between reads of the batches in flight (ms). A worker seldom has more than eight. */
const readEveryMs = 1_000;

/** @param stopped returns those of the batches that take no more outcomes. */
export function createStoppedBatches(
  stopped: (batchIds: readonly string[]) => Promise<readonly string[]>,
  everyMs = readEveryMs,
): StoppedBatches {
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function read(): Promise<void> {
    // While Redis is away no batch can be stopped; the next read finds what was.
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
