import { useEffect, useState } from 'preact/hooks';
import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fetchJson } from '../../http/client.ts';

/**
 * Returns the open pair. A pair outside the loaded rows (after a link) is read separately.
 * @param index undefined when no pair is open.
 * @param listed the pair, if it is among the loaded rows.
 */
export function usePair(
  { id, finishedAt }: BatchStatus,
  index: number | undefined,
  listed: ItemResult | undefined,
): ItemResult | undefined {
  const [read, setRead] = useState<ItemResult>();
  const isMissing = index !== undefined && listed === undefined && finishedAt !== null;
  useEffect(() => {
    if (!isMissing) return;
    const gone = new AbortController();
    const query = new URLSearchParams({ sort: 'index', skip: String(index), limit: '1', items: 'true' });
    fetchJson<ResultsPage>(`v1/evaluation/batch/${encodeURIComponent(id)}/results?${query}`, {
      signal: gone.signal,
    }).then(
      ({ results: [found] }) => setRead(found),
      // The list of pairs shows the error.
      () => {},
    );
    return () => gone.abort();
  }, [id, index, isMissing]);
  return listed ?? (isMissing && read?.index === index ? read : undefined);
}
