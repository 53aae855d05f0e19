import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { fetchJson, RequestFailed } from '../http/client.ts';
import { usePolled } from '../http/use-polled.ts';

const liveMs = 2_000;

/** Reads the latest retry of a batch. Returns undefined before it is read, and null if there is none or it is deleted. */
export function useRetry({ retriedBy }: Pick<BatchStatus, 'retriedBy'>): BatchStatus | null | undefined {
  const { value } = usePolled(
    `retry ${retriedBy}`,
    async (signal): Promise<BatchStatus | null> => {
      if (retriedBy === null) return null;
      try {
        return await fetchJson<BatchStatus>(`v1/evaluation/batch/${encodeURIComponent(retriedBy)}`, { signal });
      } catch (error) {
        if (error instanceof RequestFailed && error.status === 404) return null;
        throw error;
      }
    },
    // An unread retry hides the choices of its original, so a failed request is repeated.
    (retry) => (retry === undefined || retry?.finishedAt === null ? liveMs : undefined),
  );
  return retriedBy === null ? null : value;
}
