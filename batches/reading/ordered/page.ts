import type { ResultsPage, ResultsQuery } from '../../../shared/contracts/batch/results.ts';
import { resultsPageSize } from '../../../shared/contracts/batch/results.ts';
import type { BatchRecord } from '../../store/record.ts';
import type { Source } from '../read-chunks.ts';
import { withItem } from '../with-item.ts';
import { createOrder } from './order.ts';

/** A page ends after this many bytes of JSON, even with fewer results than requested. */
const pageBytes = 8 * 1024 * 1024;
/** The same for all that is read for a page: bytes of JSON, and chunks. A sample has few results in each chunk. */
const readPerPage = 64 * 1024 * 1024;
const chunksPerPage = 2_048;

/**
 * Returns a page of results in the sort order of the query. A result is missed if it was added after the previous page was
 * read and sorts before the cursor.
 * @throws {ServiceError} `request.invalid` for a cursor that was issued for another sort order or by another service.
 */
export async function readOrdered(
  source: Source,
  batch: BatchRecord,
  query: ResultsQuery,
  other?: BatchRecord,
): Promise<ResultsPage> {
  const { limit = resultsPageSize } = query;
  const withItems = query.items === 'true';
  const order = await createOrder(source, batch, query, { withItems, other });
  const page: ResultsPage = { results: [], selected: order.selected, ...(order.top && { top: order.top }), next: null };
  let place = order.start;
  let bytes = 0;
  let read = 0;
  for (let looked = 0; looked < chunksPerPage && bytes < pageBytes && read < readPerPage; ) {
    const step = await order.step(place, limit - page.results.length);
    page.results.push(
      ...(withItems ? step.results.map((result, at) => withItem(result, step.items[at])) : step.results),
    );
    bytes += step.bytes;
    read += step.read;
    looked += step.chunks;
    if (step.next === undefined) return page;
    place = step.next;
    if (page.results.length >= limit) break;
  }
  return { ...page, next: order.encode(place) };
}
