import type { BatchSummary } from '../../shared/contracts/batch.ts';
import type { Scale } from '../ui/scale.ts';

type Histogram = BatchSummary['histogram'];

/** Counts the items whose score reaches a whole number. A bin is 0.01 of cosine, one point of score, so it is exact. */
export const countPassing = (histogram: Histogram, threshold: number): number =>
  histogram.filter(({ from }) => Math.round(from * 100) >= threshold).reduce((sum, { count }) => sum + count, 0);

/** Returns the ends of the axis in points of score. They include all bins and the initial threshold. */
export function rangeOf(histogram: Histogram, scale: Scale): [from: number, to: number] {
  const from = Math.min(0, ...histogram.map((bin) => Math.round(bin.from * 100)));
  const to = Math.max(scale.threshold + 5, ...histogram.map((bin) => Math.round(bin.to * 100)));
  return [from, to];
}
