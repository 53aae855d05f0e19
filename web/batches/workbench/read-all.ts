import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { ReadPairs } from './near.ts';

/** The maximum of `limit` in the API. The service draws a sample anew for each page, and ends a page at 8 MiB. */
const maxLimit = 10_000;
/** The maximum number of requests for pairs in a range of scores. In a large batch, each searches only a part. */
const maxRequests = 12;

/** Reads pages of pairs until `enough` are found. */
export async function readAll(
  readPage: ReadPairs,
  query: Record<string, string | number>,
  enough: number,
): Promise<ItemResult[]> {
  const limit = Math.min(maxLimit, enough);
  const found: ItemResult[] = [];
  let cursor: string | undefined;
  for (let request = 0; request < maxRequests && found.length < enough; request++) {
    const page = await readPage({ ...query, limit, ...(cursor !== undefined && { cursor }) });
    found.push(...page.results);
    if (page.next === null || page.next === cursor) break;
    cursor = page.next;
  }
  return found;
}
