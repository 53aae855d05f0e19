import { expect, test } from 'vitest';
import { quantile } from '../../../cli/bench.ts';
import { counted, duration } from '../../../cli/progress.ts';
import { createThroughputMeter } from '../../../cli/throughput.ts';

test('the rate is that of the last ten seconds, and says how long the rest takes', () => {
  const rate = createThroughputMeter();
  expect(rate(0, 1000, 0)).toEqual({ perSecond: null, etaSeconds: null });
  expect(rate(100, 1000, 1_000)).toEqual({ perSecond: 100, etaSeconds: 9 });
  // Slower from here on: ten seconds later the first second counts no more.
  expect(rate(110, 1000, 11_000)).toEqual({ perSecond: 1, etaSeconds: 890 });
});

test('a count has its noun in the singular or the plural', () => {
  expect([0, 1, 2, 1_000].map((count) => counted(count, 'row'))).toEqual(['0 rows', '1 row', '2 rows', '1,000 rows']);
});

test('nothing is said of the rate while nothing moves', () => {
  const rate = createThroughputMeter();
  rate(5, 10, 0);
  expect(rate(5, 10, 1_000)).toEqual({ perSecond: null, etaSeconds: null });
});

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [61, '1 min 1 s'],
  [7_260, '2 h 1 min'],
])('%d seconds are %s', (seconds, said) => {
  expect(duration(seconds)).toBe(said);
});

test('quantiles are by the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, at) => at + 1);
  expect([0.5, 0.95, 1].map((share) => quantile(values, share))).toEqual([50, 95, 100]);
  expect(quantile([7], 0.5)).toBe(7);
  expect(quantile([], 0.5)).toBe(0);
});
