import { useEffect, useState } from 'preact/hooks';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import { fetchJson } from '../../http/client.ts';
import { type Polled, usePolled } from '../../http/use-polled.ts';
import { readCandidates } from './read-candidates.ts';
import { chooseBatch, firstItems, type Matched, matchItems } from './same-items.ts';

/** The thresholds must stay the same for this time in ms before the batches are compared. */
const restMs = 250;
/** The time in ms between two comparisons while a batch is running. */
const liveMs = 2_500;

/** The number of disagreements to read of each kind. Some may repeat a pair. */
const readDisagreements = 50;

export interface Compared {
  comparison: BatchComparison;
  other: BatchStatus;
  /** The thresholds that were asked for. They differ from the chosen ones until the figures of those have arrived. */
  thresholds: Thresholds;
}

export type Thresholds = [here: number, there: number | undefined];

export function useComparison(
  batch: BatchStatus,
  other: string | undefined,
  chosen: Thresholds,
): Polled<Compared | undefined> {
  const thresholds = useRested(chosen);
  const [here, there] = thresholds;
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
      return { comparison, other: status, thresholds };
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

/**
 * Finds a batch with the same items. The value is undefined until it is found, and null if there is none.
 * @param candidates undefined until they are read.
 */
export function useFoundBatch(
  batch: BatchStatus,
  candidates: BatchStatus[] | undefined,
): Polled<string | null | undefined> {
  const ids = candidates?.map(({ id }) => id);
  return usePolled(`batch with the items of ${batch.id}, among ${ids}`, async (signal) => {
    if (candidates === undefined) return undefined;
    return (await chooseBatch(batch, candidates, (id) => readFirst(id, signal))) ?? null;
  });
}

/** Compares the first items of two batches. */
export function useMatched(batch: BatchStatus, other: BatchStatus | undefined): Matched | undefined {
  const read = usePolled(
    `first items of ${batch.id} and ${other?.id}`,
    async (signal) => {
      if (other === undefined) return undefined;
      const [here, there] = await Promise.all([readFirst(batch.id, signal), readFirst(other.id, signal)]);
      return { other: other.id, matched: matchItems(here, there) };
    },
    (value) => {
      const isRunning = batch.finishedAt === null || other?.finishedAt === null;
      return isRunning && value !== undefined && value.matched.looked < firstItems ? liveMs : undefined;
    },
  ).value;
  return read?.other === other?.id ? read?.matched : undefined;
}

async function readFirst(id: string, signal: AbortSignal) {
  const query = new URLSearchParams({ sort: 'index', limit: String(firstItems), items: 'true' });
  const path = `v1/evaluation/batch/${encodeURIComponent(id)}/results?${query}`;
  return (await fetchJson<ResultsPage>(path, { signal })).results;
}

function useRested<Value>(value: Value): Value {
  const [rested, setRested] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [key]);
  return rested;
}
