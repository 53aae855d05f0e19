import { useEffect, useState } from 'preact/hooks';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import { fetchJson } from '../../http/client.ts';
import { type Polled, usePolled } from '../../http/use-polled.ts';
import { readCandidates } from './read-candidates.ts';

/** The thresholds must stay the same for this time in ms before the batches are compared. */
const restMs = 250;
/** The time in ms between two comparisons while a batch is running. */
const liveMs = 2_500;

/** The number of disagreements to read of each kind. Some may repeat a pair. */
const readDisagreements = 50;

export interface Compared {
  comparison: BatchComparison;
  other: BatchStatus;
}

export function useComparison(
  batch: BatchStatus,
  other: string | undefined,
  threshold: number,
  otherThreshold: number | undefined,
): Polled<Compared | undefined> {
  const [here, there] = useRested([threshold, otherThreshold]);
  const query = new URLSearchParams({
    ...(other !== undefined && { other }),
    threshold: String(here),
    disagreements: String(readDisagreements),
    ...(there !== undefined && { otherThreshold: String(there) }),
  });
  const path = `v1/evaluation/batch/${encodeURIComponent(batch.id)}/comparison?${query}`;
  return usePolled(
    path,
    async (signal) => {
      if (other === undefined) return undefined;
      const [comparison, status] = await Promise.all([
        fetchJson<BatchComparison>(path, { signal }),
        fetchJson<BatchStatus>(`v1/evaluation/batch/${encodeURIComponent(other)}`, { signal }),
      ]);
      return { comparison, other: status };
    },
    (value) =>
      value !== undefined && (value.other.finishedAt === null || batch.finishedAt === null) ? liveMs : undefined,
  );
}

/** Reads the batches that have as many items as this one. */
export const useCandidates = ({ items: { total } }: BatchStatus): Polled<BatchStatus[]> =>
  usePolled(`batches of ${total} items`, (signal) =>
    readCandidates((cursor) => {
      const query = new URLSearchParams({
        limit: '200',
        items: String(Math.max(1, total)),
        ...(cursor !== undefined && { cursor }),
      });
      return fetchJson<BatchList>(`v1/evaluation/batch?${query}`, { signal });
    }),
  );

function useRested<Value>(value: Value): Value {
  const [rested, setRested] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [key]);
  return rested;
}
