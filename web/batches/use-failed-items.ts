import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { firstFailedQuery, originOfImages, originQueries } from '../../shared/remedies.ts';
import { fetchJson } from '../http/client.ts';
import { usePolled } from '../http/use-polled.ts';
import { type FailedItems, seemSwapped } from './state.ts';

const invalidSources = firstFailedQuery('image.source_invalid');

const unknown: FailedItems = { areSwapped: false, origin: undefined };

/** Reads the first failed items of an ended batch. Undefined while they are read. */
export function useFailedItems(status: Pick<BatchStatus, 'id' | 'failures' | 'finishedAt'>): FailedItems | undefined {
  const { id, failures, finishedAt } = status;
  const hasInvalid = failures['image.source_invalid'] !== undefined;
  const unusable = originQueries(status);
  const key = `failed ${id} ${finishedAt !== null} ${hasInvalid} ${unusable.join()}`;
  const { value, failure } = usePolled(key, async (signal): Promise<FailedItems> => {
    if (finishedAt === null) return unknown;
    const read = async (query: string) => {
      const path = `v1/evaluation/batch/${encodeURIComponent(id)}/results?${query}`;
      return (await fetchJson<ResultsPage>(path, { signal })).results;
    };
    const [invalid, ...others] = await Promise.all([hasInvalid ? read(invalidSources) : [], ...unusable.map(read)]);
    return { areSwapped: seemSwapped(invalid), origin: originOfImages(others.flat()) };
  });
  return value ?? (failure === undefined ? undefined : unknown);
}
