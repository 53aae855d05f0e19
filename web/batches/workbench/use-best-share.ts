import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { thresholdFor } from './distribution.ts';
import { pairReader } from './ranked.ts';
import { restMs } from './use-neighbours.ts';

/** A share that the user has written. `isExact` is false while its threshold is an estimate. */
interface Asked {
  percent: number;
  threshold: number;
  isExact: boolean;
}

/**
 * Keeps a share of the best pairs. A threshold is set at once, from the histogram; then the service returns the lowest
 * score of the share, so that the same pairs are kept as with its parameter `top`.
 * @param threshold the current threshold.
 * @param isRunning true while the scores change, so that only the estimate is used.
 * @returns `percent`, the written share if the current threshold is that of it, and `keep`, which sets another share.
 */
export function useBestShare(
  { id, histogram }: BatchSummary,
  threshold: number,
  isRunning: boolean,
  onThreshold: (threshold: number) => void,
): { percent: number | undefined; keep: (percent: number) => void } {
  const [asked, setAsked] = useState<Asked>();
  const set = (next: Asked) => {
    setAsked(next);
    onThreshold(next.threshold);
  };
  const isCurrent = asked?.threshold === threshold;
  useEffect(() => {
    if (asked === undefined || asked.isExact || !isCurrent || isRunning || asked.percent <= 0) return;
    const gone = new AbortController();
    const timer = setTimeout(() => {
      const read = pairReader(id, gone.signal);
      read({ top: `${asked.percent}%`, limit: 1 }).then(
        ({ top }) => top && set({ percent: asked.percent, threshold: top.lastScore ?? threshold, isExact: true }),
        // The estimate remains, and the field shows its share.
        () => {},
      );
    }, restMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [id, asked, isCurrent, isRunning]);
  return {
    percent: asked?.isExact && isCurrent && !isRunning ? asked.percent : undefined,
    keep: (percent) => set({ percent, threshold: thresholdFor(histogram, percent / 100), isExact: false }),
  };
}
