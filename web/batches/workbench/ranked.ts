import type { BatchSummary, ResultsPage } from '../../../shared/contracts/batch.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fetchJson } from '../../http/client.ts';
import { scoreIn } from '../explorer/cells.tsx';
import { countPassing, type Histogram, justBelow } from './distribution.ts';

/** Requests for one window of scores. Each looks at a part of a large batch. */
const maxRequests = 12;
/** The window has this many times the wanted pairs, since the histogram only estimates them. */
const reserve = 2;

/** Pairs next to a score, the nearest first. */
export interface Ranked {
  results: ItemResult[];
  /** The exact number of pairs on this side; undefined when the service does not count them. */
  selected: number | undefined;
}

type Page = ResultsPage & { selected?: number };

/** Returns true for a service that orders results by score. Its summaries have percentiles, too. */
export const isOrdered = (summary: BatchSummary): boolean => 'percentiles' in summary;

/** Reads the pairs on one side of a threshold, the nearest first. */
export async function readNear(
  summary: BatchSummary,
  side: 'below' | 'above',
  threshold: number,
  limit: number,
  signal: AbortSignal,
): Promise<Ranked> {
  if (side === 'below' && threshold <= 0) return { results: [], selected: 0 };
  const limits = side === 'above' ? { minScore: threshold } : { maxScore: justBelow(threshold) };
  if (isOrdered(summary)) {
    const sort = side === 'above' ? 'score' : '-score';
    const page = await readPage(summary.id, { ...limits, sort, limit }, signal);
    return { results: page.results, selected: page.selected };
  }
  const reach = windowOf(summary.histogram, side, threshold, limit * reserve);
  const window = side === 'above' ? { ...limits, maxScore: reach } : { ...limits, minScore: reach };
  const results = await readBetween(summary.id, window, limit * reserve * reserve, signal);
  const distance = (result: ItemResult) => Math.abs((scoreIn(result) ?? 0) - threshold);
  return { results: results.sort((a, b) => distance(a) - distance(b)).slice(0, limit), selected: undefined };
}

/** Reads pairs between two scores, in the order of evaluation, until enough are found. */
export async function readBetween(
  id: string,
  limits: { minScore?: number; maxScore?: number },
  enough: number,
  signal: AbortSignal,
): Promise<ItemResult[]> {
  const found: ItemResult[] = [];
  let cursor: string | undefined;
  for (let request = 0; request < maxRequests && found.length < enough; request++) {
    const page = await readPage(
      id,
      { ...limits, limit: Math.min(1_000, enough), ...(cursor !== undefined && { cursor }) },
      signal,
    );
    found.push(...page.results);
    if (page.next === null || page.next === cursor) break;
    cursor = page.next;
  }
  return found;
}

async function readPage(id: string, query: Record<string, string | number>, signal: AbortSignal): Promise<Page> {
  const all = new URLSearchParams({ status: 'succeeded', items: 'true' });
  for (const [name, value] of Object.entries(query)) all.set(name, String(value));
  return await fetchJson<Page>(`v1/evaluation/batch/${encodeURIComponent(id)}/results?${all}`, { signal });
}

/** Returns the other end of a window next to a threshold that has about this many pairs. */
function windowOf(histogram: Histogram, side: 'below' | 'above', threshold: number, count: number): number {
  const passing = (score: number) => countPassing(histogram, score).count;
  for (const width of [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]) {
    const end = side === 'above' ? threshold + width : threshold - width;
    if (Math.abs(passing(end) - passing(threshold)) >= count) return Number(Math.max(0, end).toFixed(2));
  }
  return side === 'above' ? 100 : 0;
}
