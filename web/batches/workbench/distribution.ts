import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { Scale } from '../../ui/scale.ts';

export type Histogram = BatchSummary['histogram'];

/** A number of items that reach a threshold, estimated if the threshold is inside a bin of the histogram. */
export interface Count {
  count: number;
  isExact: boolean;
}

/** The maximum number of decimals of a score in the API. */
const scoreDecimals = 4;
/** The distance between two thresholds that the user can choose, as a score (0 to 100). */
export const step = 0.1;

/** Returns a cosine as a score. Negative cosines stay negative. */
export const points = (cosine: number): number => Number((100 * cosine).toFixed(scoreDecimals));

export const toStep = (score: number): number => Number((Math.round(score / step) * step).toFixed(1));

/** Returns the highest score below a threshold, because upper limits in the API are inclusive. */
export const justBelow = (threshold: number): number => Number((threshold - 0.0001).toFixed(scoreDecimals));

/**
 * Counts the items that reach a threshold. In the bin that contains the threshold, scores are assumed to be evenly
 * distributed.
 */
export function countPassing(histogram: Histogram, threshold: number): Count {
  let count = 0;
  let isExact = true;
  for (const bin of histogram) {
    const [from, to] = [points(bin.from), points(bin.to)];
    const passing = shareFrom({ from, to }, threshold) * bin.count;
    if (passing > 0 && passing < bin.count) isExact = false;
    count += passing;
  }
  return { count: Math.round(count), isExact };
}

/** Returns the share of a range of scores that reaches a threshold. */
export function shareFrom({ from, to }: Pick<Bar, 'from' | 'to'>, threshold: number): number {
  // Every negative cosine has the score 0, so it reaches a threshold of 0.
  if (threshold <= 0 || from >= threshold) return 1;
  return to <= threshold ? 0 : (to - threshold) / (to - from);
}

/** Returns the threshold that about this share of the items reaches, rounded to a choice of the user interface. */
export function thresholdFor(histogram: Histogram, share: number): number {
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  let left = share * total;
  for (const bin of histogram.toReversed()) {
    if (bin.count > 0 && left <= bin.count) {
      return Math.max(0, toStep(points(bin.to) - (left / bin.count) * (points(bin.to) - points(bin.from))));
    }
    left -= bin.count;
  }
  return Math.max(0, toStep(points(histogram[0]?.from ?? 0)));
}

/**
 * Returns the ends of the score axis as whole scores. All scores, the initial threshold and the asked one are between
 * them.
 */
export function rangeOf(histogram: Histogram, scale: Scale, asked = 0): [from: number, to: number] {
  const scores = histogram.map((bin) => Math.ceil(points(bin.to)));
  return [0, Math.max(Math.ceil(scale.threshold) + 5, Math.ceil(asked), ...scores)];
}

/** A bar of the chart. `from` and `to` are scores from 0 to 100. */
export interface Bar {
  from: number;
  to: number;
  count: number;
}

/**
 * Combines bins of a histogram into at most `most` bars of equal width. Bins of negative cosines are in the first bar,
 * because their items have the score 0.
 */
export function barsOf(histogram: Histogram, [from, to]: [number, number], most: number): Bar[] {
  const first = histogram[0];
  const binWidth = first === undefined ? 1 : points(first.to) - points(first.from);
  const width = [0.25, 0.5, 1, 2, 5].find((each) => each >= binWidth - 1e-9 && (to - from) / each <= most) ?? 5;
  const bars = new Map<number, number>();
  for (const bin of histogram) {
    const at = Math.max(0, Math.floor(points(bin.from) / width + 1e-6));
    bars.set(at, (bars.get(at) ?? 0) + bin.count);
  }
  return [...bars].map(([at, count]) => ({ from: at * width, to: (at + 1) * width, count }));
}

/**
 * Returns the highest count that the axis shows. A bar of the score 0 does not count if it is more than twice as high as
 * all others: half of the wrong pairs may have a negative cosine, and next to their bar the others would be flat.
 */
export function highestShown(bars: readonly Bar[]): number {
  const highest = (some: readonly Bar[]) => Math.max(0, ...some.map(({ count }) => count));
  const others = highest(bars.filter(({ from }) => from > 0));
  return others > 0 && highest(bars) > 2 * others ? others : highest(bars);
}

/** Returns about `lines` round numbers from 0 to at least `highest`, for the grid lines of an axis. */
export function countTicks(highest: number, lines = 4): number[] {
  const rough = Math.max(1, highest / lines);
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = [1, 2, 2.5, 5, 10].map((each) => each * power).filter(Number.isInteger);
  const distance = steps.find((each) => each >= rough) ?? rough;
  return Array.from({ length: Math.ceil(highest / distance) + 1 }, (_, at) => at * distance);
}

export function scoreTicks([from, to]: [number, number]): number[] {
  const distance = to - from > 80 ? 20 : to - from > 30 ? 10 : 5;
  const first = Math.ceil(from / distance) * distance;
  return Array.from({ length: Math.floor((to - first) / distance) + 1 }, (_, at) => first + at * distance);
}
