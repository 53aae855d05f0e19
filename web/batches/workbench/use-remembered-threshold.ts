import { useEffect } from 'preact/hooks';
import { queryInHash, useHashQuery } from '../../shell/hash-query.ts';
import { thresholdIn } from '../../shell/query.ts';
import { rememberedThreshold, rememberThreshold } from './remembered-thresholds.ts';

/** Brings the last threshold of a batch back into a URL without one, so that all of its tabs have the same. */
export function useRememberedThreshold(id: string): void {
  const { query, set } = useHashQuery();
  useEffect(() => {
    // `query` may still be that of the batch before.
    const chosen = thresholdIn(queryInHash());
    const last = rememberedThreshold(id);
    if (chosen !== undefined) rememberThreshold(id, chosen);
    else if (last !== undefined) set({ threshold: String(last) });
  }, [id, thresholdIn(query)]);
}
