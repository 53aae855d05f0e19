import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fetchJson } from '../../http/client.ts';
import type { ReadPairs } from './near.ts';

/** The maximum number of requests for pairs in a range of scores. In a large batch, each searches only a part. */
const maxRequests = 12;

/** Reads pairs in the order of evaluation, until `enough` are found. */
export const readFirst = (id: string, enough: number, signal: AbortSignal): Promise<ItemResult[]> =>
  readAll(id, {}, enough, signal);

async function readAll(
  id: string,
  query: Record<string, string | number>,
  enough: number,
  signal: AbortSignal,
): Promise<ItemResult[]> {
  const readPage = pairReader(id, signal);
  const found: ItemResult[] = [];
  let cursor: string | undefined;
  for (let request = 0; request < maxRequests && found.length < enough; request++) {
    const limit = Math.min(1_000, enough);
    const page = await readPage({ ...query, limit, ...(cursor !== undefined && { cursor }) });
    found.push(...page.results);
    if (page.next === null || page.next === cursor) break;
    cursor = page.next;
  }
  return found;
}

/** Returns a function that draws pairs at random from the whole batch. */
export const drawFrom =
  (id: string, signal: AbortSignal) =>
  (limits: { minScore?: number; maxScore?: number }, count: number, seed: number): Promise<ItemResult[]> =>
    readAll(id, { ...limits, sample: count, seed }, count, signal);

/** Returns a function that reads pages of the scored pairs of a batch. It throws {@link RequestFailed}. */
export const pairReader =
  (id: string, signal: AbortSignal): ReadPairs =>
  async (query) => {
    const all = new URLSearchParams({ status: 'succeeded', items: 'true' });
    for (const [name, value] of Object.entries(query)) all.set(name, String(value));
    return await fetchJson<ResultsPage>(`v1/evaluation/batch/${encodeURIComponent(id)}/results?${all}`, { signal });
  };
