import { ServiceError } from '../shared/errors.ts';

/** Batches whose chunks this worker evaluates, so that it learns when one is stopped. */
export interface StoppedBatches {
  /** @returns a signal that aborts when the batch is cancelled, deleted or ended, and `end`, called when the chunk is done. */
  follow(batchId: string): { signal: AbortSignal; end(): void };
  close(): void;
}

interface Followed {
  abort: AbortController;
  chunks: number;
}

/** One read of Redis for each batch in flight, in milliseconds: a worker seldom has more than eight. */
const askEveryMs = 1_000;

/** @param stopped tells which of these batches take no more outcomes. */
export function createStoppedBatches(
  stopped: (batchIds: readonly string[]) => Promise<readonly string[]>,
  everyMs = askEveryMs,
): StoppedBatches {
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function ask(): Promise<void> {
    // Without Redis nobody can stop a batch; the next answer says it.
    const ids = await stopped([...followed.keys()]).catch(() => []);
    for (const id of ids) followed.get(id)?.abort.abort(new ServiceError('cancelled', 'The batch was stopped'));
    timer = undefined;
    askLater();
  }

  function askLater(): void {
    if (followed.size > 0 && !isClosed) timer ??= setTimeout(() => void ask(), everyMs);
  }

  return {
    follow(batchId) {
      const batch = followed.get(batchId) ?? { abort: new AbortController(), chunks: 0 };
      followed.set(batchId, batch);
      batch.chunks++;
      askLater();
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
