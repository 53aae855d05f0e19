import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RequestFailed } from '../../http/request-failed.ts';
import type { Listing, ListingSource, ReadPage } from './listing-source.ts';

/** Results per request. Two pages fill any screen. */
const pageSize = 200;
/** The maximum number of pages in memory. Other pages are read again when they become visible. */
const maxPages = 40;
/** The minimum time in ms between requests for pages far from loaded ones, as while the user drags the scroll bar. */
const leapMs = 60;
/** The time in ms after which a running request counts as slow. */
const slowMs = 300;
const screenful = 60;

/** Creates a list whose pages can be read in any order. A scroll to the end of a million rows needs one request. */
export function createRandomListing(
  readPage: ReadPage,
  query: Record<string, string>,
  onChange: () => void,
): ListingSource {
  const closed = new AbortController();
  const pages = new Map<number, ItemResult[]>();
  let count: number | undefined;
  let reading: { page: number; startedAt: number; gone: AbortController } | undefined;
  let timer: number | undefined;
  let leaptAt = Number.NEGATIVE_INFINITY;
  /** Set until a request succeeds. `isStopped` is true until a retry. */
  let failure: RequestFailed | undefined;
  let isStopped = false;
  let visible = { from: 0, to: pageSize };

  const pageOf = (row: number): number => Math.floor(row / pageSize);
  const isNear = (page: number): boolean => page >= pageOf(visible.from) - 1 && page <= pageOf(visible.to) + 1;

  /** Reads a page. If the results are large, the service returns a part of it, and a cursor for the rest. */
  async function read(page: number, signal: AbortSignal): Promise<void> {
    const rows: ItemResult[] = [];
    for (let cursor: string | null | undefined; rows.length < pageSize && cursor !== null; ) {
      const place = cursor === undefined ? { skip: String(page * pageSize) } : { cursor };
      const read = await readPage({ ...query, limit: String(pageSize - rows.length), ...place }, signal);
      rows.push(...read.results);
      count = read.selected ?? rows.length;
      cursor = read.next;
    }
    pages.set(page, rows);
    const far = [...pages.keys()].sort((a, b) => Math.abs(a - page) - Math.abs(b - page)).slice(maxPages);
    for (const each of far) pages.delete(each);
  }

  /**
   * Returns the next page to read: a visible page, then the page after, then the page before. Undefined if all are
   * loaded.
   */
  function missing(): number | undefined {
    const last = pageOf(Math.max(0, (count ?? 1) - 1));
    const [from, to] = [pageOf(visible.from), Math.min(last, pageOf(Math.max(visible.from, visible.to - 1)))];
    const wanted = [...Array.from({ length: to - from + 1 }, (_, at) => from + at), to + 1, from - 1];
    return wanted.find((page) => page >= 0 && page <= last && !pages.has(page));
  }

  function fill(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isStopped || closed.signal.aborted) return;
    const page = missing();
    if (reading !== undefined) {
      const wait = reading.startedAt + slowMs - performance.now();
      if (page === undefined || isNear(reading.page)) return;
      // The running request reads rows that are no longer visible. It is aborted only if it is slow.
      if (wait > 0) {
        timer = window.setTimeout(fill, wait);
        return;
      }
      reading.gone.abort();
    }
    if (page === undefined) {
      failure = undefined;
      return;
    }
    const isLeap = count !== undefined && !pages.has(page - 1) && !pages.has(page + 1);
    const wait = isLeap ? leaptAt + leapMs - performance.now() : 0;
    if (wait > 0) {
      timer = window.setTimeout(fill, wait);
      return;
    }
    if (isLeap) leaptAt = performance.now();
    start(page);
  }

  function start(page: number): void {
    const current = { page, startedAt: performance.now(), gone: new AbortController() };
    const signal = AbortSignal.any([current.gone.signal, closed.signal]);
    reading = current;
    read(page, signal)
      .then(
        () => {
          failure = undefined;
        },
        (error: RequestFailed) => {
          if (signal.aborted) return;
          failure = error;
          isStopped = true;
        },
      )
      .finally(() => {
        if (reading !== current) return;
        reading = undefined;
        if (closed.signal.aborted) return;
        fill();
        onChange();
      });
  }

  function state(): Listing {
    return {
      count: count ?? 0,
      isComplete: count !== undefined,
      isLoading: reading !== undefined || timer !== undefined || (count === undefined && failure === undefined),
      failure,
      at: (row) => pages.get(pageOf(row))?.[row % pageSize],
      rowOf(index) {
        for (const [page, rows] of pages) {
          const at = rows.findIndex((row) => row.index === index);
          if (at >= 0) return page * pageSize + at;
        }
        return undefined;
      },
      nearest(row) {
        const distance = (page: number) => Math.abs(page - pageOf(row));
        const [page] = [...pages.keys()].sort((a, b) => distance(a) - distance(b));
        if (page === undefined) return undefined;
        const start = page * pageSize;
        const last = start + (pages.get(page)?.length ?? 0) - screenful;
        return Math.max(start, Math.min(row, last));
      },
      show(from, to) {
        visible = { from, to };
        fill();
      },
      retry() {
        isStopped = false;
        fill();
        onChange();
      },
    };
  }

  return { state, close: () => closed.abort() };
}
