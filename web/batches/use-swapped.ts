import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { fetchJson } from '../http/client.ts';
import { usePolled } from '../http/use-polled.ts';
import { seemSwapped } from './state.ts';

const firstFailed = 20;

/** Returns true if the columns of image and text of an ended batch seem to be swapped, by its first failed items. */
export function useSwapped({ id, failures, finishedAt }: Pick<BatchStatus, 'id' | 'failures' | 'finishedAt'>): boolean {
  const isAsked = finishedAt !== null && failures['image.source_invalid'] !== undefined;
  const { value } = usePolled(`swapped ${id} ${isAsked}`, async (signal) => {
    if (!isAsked) return false;
    const query = `code=image.source_invalid&items=true&limit=${firstFailed}`;
    const path = `v1/evaluation/batch/${encodeURIComponent(id)}/results?${query}`;
    return seemSwapped((await fetchJson<ResultsPage>(path, { signal })).results);
  });
  return value ?? false;
}
