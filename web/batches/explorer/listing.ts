import { useEffect, useRef, useState } from 'preact/hooks';
import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fetchJson, type RequestFailed } from '../../http/client.ts';
import type { Listing, ListingSource, ReadPage } from './listing-source.ts';
import { addColumns } from './own-columns.ts';
import { createRandomListing } from './random-listing.ts';

/** Results per request. Two pages fill any screen. */
const pageSize = 200;
/** The next page is loaded when fewer loaded rows than this follow the visible ones. */
const ahead = 300;
/** The maximum number of pages in memory. Other pages are read again when they become visible. */
const maxPages = 40;

interface Page {
  cursor: string | undefined;
  start: number;
  length: number;
  /** Undefined when the rows are no longer in memory. */
  rows: ItemResult[] | undefined;
}

export interface BatchListing {
  listing: Listing;
  /** The columns of the input in all pairs of the batch that have been loaded, also by earlier queries. */
  known: readonly string[];
}

/**
 * Lists the results that a query selects. A new batch or query loads a new list.
 * @param canSkip true if the service can read any part of the list directly; otherwise the list loads from its start.
 */
export function useListing(id: string, query: Record<string, string>, canSkip: boolean): BatchListing {
  const [, setVersion] = useState(0);
  const key = `${id}?${new URLSearchParams(query)} ${canSkip}`;
  const current = useRef<{ key: string; listing: ListingSource } | undefined>(undefined);
  const columns = useRef({ id, names: new Set<string>() });
  if (columns.current.id !== id) columns.current = { id, names: new Set() };
  if (current.current?.key !== key) {
    current.current?.listing.close();
    const path = `v1/evaluation/batch/${encodeURIComponent(id)}/results`;
    const { names } = columns.current;
    const read: ReadPage = async (asked, signal) => {
      const all = new URLSearchParams({ ...asked, items: 'true' });
      const page = await fetchJson<ResultsPage>(`${path}?${all}`, { signal });
      addColumns(names, page.results);
      return page;
    };
    const changed = () => setVersion((version) => version + 1);
    const create = canSkip ? createRandomListing : createListing;
    current.current = { key, listing: create(read, query, changed) };
  }
  useEffect(() => () => current.current?.listing.close(), []);
  return { listing: current.current.listing.state(), known: [...columns.current.names] };
}

function createListing(readPage: ReadPage, query: Record<string, string>, onChange: () => void): ListingSource {
  const closed = new AbortController();
  const pages: Page[] = [];
  let next: string | undefined;
  let isComplete = false;
  let busy = false;
  /** Set until a request succeeds. `isStopped` is true until a retry. */
  let failure: RequestFailed | undefined;
  let isStopped = false;
  let visible = { from: 0, to: pageSize };

  const count = () => (pages.at(-1)?.start ?? 0) + (pages.at(-1)?.length ?? 0);
  const pageOf = (row: number) => pages.findLast(({ start }) => start <= row);

  async function read(cursor: string | undefined): Promise<ResultsPage> {
    return await readPage({ ...query, limit: String(pageSize), ...(cursor && { cursor }) }, closed.signal);
  }

  async function readNext(): Promise<void> {
    const start = count();
    const page = await read(next);
    const { results } = page;
    // An unchanged cursor means that a running batch has no further results yet.
    isComplete = page.next === null || page.next === next;
    if (results.length > 0) pages.push({ cursor: next, start, length: results.length, rows: results });
    next = page.next ?? undefined;
  }

  async function readAgain(page: Page): Promise<void> {
    page.rows = (await read(page.cursor)).results.slice(0, page.length);
  }

  function dropFarPages(): void {
    const kept = pages.filter(({ rows }) => rows !== undefined);
    const distance = ({ start, length }: Page) => Math.max(visible.from - start - length, start - visible.to);
    for (const page of kept.sort((a, b) => distance(a) - distance(b)).slice(maxPages)) page.rows = undefined;
  }

  async function fill(): Promise<void> {
    if (busy || isStopped) return;
    busy = true;
    try {
      while (!closed.signal.aborted) {
        const dropped = pages.find(
          ({ rows, start, length }) => rows === undefined && start < visible.to && start + length > visible.from,
        );
        if (dropped !== undefined) await readAgain(dropped);
        else if (!isComplete && count() < visible.to + ahead) await readNext();
        else {
          failure = undefined;
          break;
        }
        failure = undefined;
        dropFarPages();
        if (!closed.signal.aborted) onChange();
      }
    } catch (error) {
      if (!closed.signal.aborted) {
        failure = error as RequestFailed;
        isStopped = true;
      }
    }
    busy = false;
    if (!closed.signal.aborted) onChange();
  }

  function state(): Listing {
    return {
      count: count(),
      isComplete,
      isLoading: busy || (pages.length === 0 && !isComplete && failure === undefined),
      failure,
      at(row) {
        const page = pageOf(row);
        return page?.rows?.[row - page.start];
      },
      rowOf(index) {
        for (const { rows, start } of pages) {
          const at = rows?.findIndex((row) => row.index === index) ?? -1;
          if (at >= 0) return start + at;
        }
        return undefined;
      },
      // This list loads from its start, so rows are missing only briefly and need no replacement.
      nearest: () => undefined,
      show(from, to) {
        visible = { from, to };
        void fill();
      },
      retry() {
        isStopped = false;
        void fill();
        onChange();
      },
    };
  }

  return { state, close: () => closed.abort() };
}
