import { expect, test } from 'vitest';
import { readCompareQuery } from '../../../web/batches/compare/query.ts';
import {
  barsOf,
  countPassing,
  countTicks,
  highestShown,
  rangeOf,
  scoreTicks,
  thresholdFor,
} from '../../../web/batches/workbench/distribution.ts';
import { thresholdIn } from '../../../web/shell/query.ts';
import { scaleOf } from '../../../web/ui/scale.ts';

const histogram = [
  { from: -0.02, to: -0.01, count: 1 },
  { from: 0.27, to: 0.28, count: 2 },
  { from: 0.28, to: 0.29, count: 4 },
  { from: 0.29, to: 0.3, count: 8 },
];

test('the count is exact at the edge of a bin', () => {
  const counts = [-2, 28, 29, 30].map((threshold) => countPassing(histogram, threshold));
  expect(counts).toEqual([15, 12, 8, 0].map((count) => ({ count, isExact: true })));
});

test('inside a bin the count is an estimate, and says so', () => {
  expect(countPassing(histogram, 28.5)).toEqual({ count: 10, isExact: false });
  expect(countPassing(histogram, 29.9)).toEqual({ count: 1, isExact: false });
  // Nothing is inside this gap, so nothing is estimated.
  expect(countPassing(histogram, 12.3)).toEqual({ count: 14, isExact: true });
});

test('a negative cosine has a score of 0, which reaches a threshold of 0', () => {
  expect(countPassing(histogram, 0)).toEqual({ count: 15, isExact: true });
  expect(countPassing(histogram, 0.1)).toEqual({ count: 14, isExact: true });
});

test('a share of the best has its threshold, in steps of 0.1', () => {
  expect(thresholdFor(histogram, 8 / 15)).toBe(29);
  expect(thresholdFor(histogram, 4 / 15)).toBe(29.5);
  expect(thresholdFor(histogram, 12 / 15)).toBe(28);
  expect(thresholdFor(histogram, 1)).toBe(0);
  expect(thresholdFor([], 0.5)).toBe(0);
});

test('bars join bins until they fit, and lose no item', () => {
  const fine = Array.from({ length: 240 }, (_, at) => ({ from: at / 400, to: (at + 1) / 400, count: at }));
  const total = 239 * 120;
  for (const [most, width] of [
    [300, 0.25],
    [80, 1],
    [20, 5],
  ] as const) {
    const bars = barsOf(fine, [0, 60], most);
    expect(bars.every(({ from, to }) => Math.abs(to - from - width) < 1e-9)).toBe(true);
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(total);
  }
});

test('a high bar of the score 0 does not flatten the other bars', () => {
  const bars = (...counts: number[]) => counts.map((count, at) => ({ from: at, to: at + 1, count }));
  expect(highestShown(bars(180, 3, 8))).toBe(8);
  expect(highestShown(bars(16, 3, 8))).toBe(16);
  expect(highestShown(bars(4, 180, 8))).toBe(180);
  expect(highestShown(bars(180, 0))).toBe(180);
  expect(highestShown([])).toBe(0);
});

test('the axis of counts has round values up to the highest', () => {
  expect(countTicks(7)).toEqual([0, 2, 4, 6, 8]);
  expect(countTicks(2)).toEqual([0, 1, 2]);
  expect(countTicks(10)).toEqual([0, 5, 10]);
  expect(countTicks(4_300)).toEqual([0, 2_000, 4_000, 6_000]);
  for (let highest = 1; highest < 300; highest++) expect(countTicks(highest).every(Number.isInteger)).toBe(true);
});

test('the axis of scores has a line every 10 points on a usual scale', () => {
  expect(scoreTicks([0, 51])).toEqual([0, 10, 20, 30, 40, 50]);
  expect(scoreTicks([12, 33])).toEqual([15, 20, 25, 30]);
  expect(scoreTicks([0, 98])).toEqual([0, 20, 40, 60, 80]);
});

test('the axis of scores begins at 0 and includes every score and the first threshold', () => {
  expect(rangeOf(histogram, scaleOf('vit-b-32'))).toEqual([0, 33]);
});

test('one threshold of the URL applies to all views: the axis reaches it, and no view goes beyond 100', () => {
  const query = new URLSearchParams('threshold=90&otherThreshold=-5');
  expect(rangeOf(histogram, scaleOf('vit-b-32'), thresholdIn(query))).toEqual([0, 90]);
  expect(readCompareQuery(query)).toEqual({ other: undefined, threshold: 90, otherThreshold: 0 });
  const beyond = new URLSearchParams('threshold=140');
  expect(thresholdIn(beyond)).toBe(100);
  expect(readCompareQuery(beyond).threshold).toBe(100);
  expect(thresholdIn(new URLSearchParams('threshold=x'))).toBeUndefined();
});

test('pairs of a negative cosine are in the bar of the score 0', () => {
  const bars = barsOf([...histogram, { from: 0, to: 0.01, count: 3 }], [0, 33], 33);
  expect(bars.find(({ from }) => from === 0)).toEqual({ from: 0, to: 1, count: 4 });
  expect(bars.every(({ from }) => from >= 0)).toBe(true);
});
