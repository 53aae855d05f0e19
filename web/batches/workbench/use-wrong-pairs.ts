import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { fetchJson, RequestFailed } from '../../http/client.ts';
import { usePolled } from '../../http/use-polled.ts';
import { rescore } from '../compare/rescore.ts';
import { wrongPairsName, wrongPairsScored } from './wrong-pairs-words.ts';

const liveMs = 2_000;

/** A batch that scores each image with the text of another item. */
export interface WrongPairs {
  status: BatchStatus;
  summary: BatchSummary;
}

/**
 * Reads the scores of wrong pairs (images with the texts of other items), and returns a function that starts their
 * batch.
 */
export function useWrongPairs(batch: BatchStatus) {
  const [started, setStarted] = useState<string>();
  const [failure, setFailure] = useState<RequestFailed>();
  const id = started ?? batch.wrongPairs ?? undefined;
  const read = usePolled(
    `wrong pairs ${id}`,
    async (signal): Promise<WrongPairs | undefined> => {
      if (id === undefined) return undefined;
      const path = `v1/evaluation/batch/${encodeURIComponent(id)}`;
      try {
        const [status, summary] = await Promise.all([
          fetchJson<BatchStatus>(path, { signal }),
          fetchJson<BatchSummary>(`${path}/summary`, { signal }),
        ]);
        return { status, summary };
      } catch (error) {
        // The batch has expired or was deleted. The user can start another one.
        if (error instanceof RequestFailed && error.status === 404) return undefined;
        throw error;
      }
    },
    (value) => (value?.status.finishedAt === null ? liveMs : undefined),
  );
  async function start(): Promise<void> {
    setFailure(undefined);
    try {
      const sample = Math.min(wrongPairsScored, batch.items.total);
      const name = wrongPairsName(batch);
      setStarted((await rescore(batch, { texts: 'others', sample, name })).id);
    } catch (error) {
      setFailure(error as RequestFailed);
    }
  }
  return {
    value: read.value,
    isLoading: id !== undefined && read.value === undefined,
    failure: failure ?? read.failure,
    start,
  };
}
