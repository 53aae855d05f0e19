import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fetchJson } from '../../http/client.ts';
import type { ReadPairs } from './near.ts';
import { readAll } from './read-all.ts';

/** Reads pairs in the order of evaluation, until `enough` are found. */
export const readFirst = (id: string, enough: number, signal: AbortSignal): Promise<ItemResult[]> =>
  readAll(pairReader(id, signal), {}, enough);

/** Returns a function that draws pairs at random from the whole batch. */
export const drawFrom =
  (id: string, signal: AbortSignal) =>
  (limits: { minScore?: number; maxScore?: number }, count: number, seed: number): Promise<ItemResult[]> =>
    readAll(pairReader(id, signal), { ...limits, sample: count, seed }, count);

/** Returns a function that reads pages of the scored pairs of a batch. It throws {@link RequestFailed}. */
export const pairReader =
  (id: string, signal: AbortSignal): ReadPairs =>
  async (query) => {
    const all = new URLSearchParams({ status: 'succeeded', items: 'true' });
    for (const [name, value] of Object.entries(query)) all.set(name, String(value));
    return await fetchJson<ResultsPage>(`v1/evaluation/batch/${encodeURIComponent(id)}/results?${all}`, { signal });
  };
