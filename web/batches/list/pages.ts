import { useEffect, useState } from 'preact/hooks';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import { fetchJson, RequestFailed } from '../../http/client.ts';

/** The conditions of the list of batches. An empty string means no condition. */
export interface ListFilter {
  /** States of the API, separated by commas. */
  states: string;
  search: string;
  tag: string;
}

const pageSize = 20;

export function loadPage({ states, search, tag }: ListFilter, cursor = '', signal?: AbortSignal): Promise<BatchList> {
  const query = new URLSearchParams({
    limit: String(pageSize),
    scores: 'true',
    ...(states !== '' && { state: states }),
    ...(search !== '' && { q: search }),
    ...(tag !== '' && { tag }),
    ...(cursor !== '' && { cursor }),
  });
  return fetchJson<BatchList>(`v1/evaluation/batch?${query}`, signal === undefined ? {} : { signal });
}

/** Loads the pages after the first one, each once. The first page is polled. */
export function useOlder(first: BatchList | undefined, filter: ListFilter) {
  const [pages, setPages] = useState<BatchList[]>([]);
  useEffect(() => setPages([]), [filter.states, filter.search, filter.tag]);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const next = pages.at(-1)?.next ?? (pages.length > 0 ? null : (first?.next ?? null));
  const shown = new Set(first?.batches.map(({ id }) => id));
  return {
    next,
    busy,
    failure,
    // New batches move earlier ones to the next page, so a later page may repeat batches of the first.
    batches: pages.flatMap(({ batches }) => batches).filter(({ id }) => !shown.has(id)),
    async load(): Promise<void> {
      setBusy(true);
      try {
        const page = await loadPage(filter, next ?? '');
        setPages((known) => [...known, page]);
        setFailure(undefined);
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
        setFailure(error);
      }
      setBusy(false);
    },
  };
}
