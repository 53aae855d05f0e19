import type { BatchSummary } from '../../shared/contracts/batch.ts';
import type { Scale } from '../ui/scale.ts';

type Histogram = BatchSummary['histogram'];

/** Returns true when all items of a bin reach a score. */
export const passes = ({ from }: Histogram[number], threshold: number): boolean =>
  Math.round(from * 10_000) >= Math.round(threshold * 100);

/** Counts the items whose score reaches a whole number. It is exact, since bins begin at each. */
export const countPassing = (histogram: Histogram, threshold: number): number =>
  histogram.filter((bin) => passes(bin, threshold)).reduce((sum, { count }) => sum + count, 0);

/** Returns the ends of the axis in points of score. They include all bins and the initial threshold. */
export function rangeOf(histogram: Histogram, scale: Scale): [from: number, to: number] {
  const from = Math.min(0, ...histogram.map((bin) => Math.floor(Math.round(bin.from * 10_000) / 100)));
  const to = Math.max(scale.threshold + 5, ...histogram.map((bin) => Math.ceil(Math.round(bin.to * 10_000) / 100)));
  return [from, to];
}
