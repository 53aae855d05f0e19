import type { BatchSummary } from '../../shared/contracts/batch.ts';
import type { Scale } from '../ui/scale.ts';

type Histogram = BatchSummary['histogram'];

/** Items whose score reaches a whole number. Bins are 0.01 of cosine, one point of score, so the count is exact. */
export const countPassing = (histogram: Histogram, threshold: number): number =>
  histogram.filter(({ from }) => Math.round(from * 100) >= threshold).reduce((sum, { count }) => sum + count, 0);

/** Ends of the axis in points of score: all bins, and the threshold to begin with. */
export function rangeOf(histogram: Histogram, scale: Scale): [from: number, to: number] {
  const from = Math.min(0, ...histogram.map((bin) => Math.round(bin.from * 100)));
  const to = Math.max(scale.threshold + 5, ...histogram.map((bin) => Math.round(bin.to * 100)));
  return [from, to];
}
