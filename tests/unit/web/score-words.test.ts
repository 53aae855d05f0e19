import { expect, test } from 'vitest';
import { scoreEdges } from '../../../web/batches/explorer/query.ts';
import { duration, percent, scoreBetween, threshold } from '../../../web/ui/numbers.ts';
import { bandOf, rangeWords, scaleOf } from '../../../web/ui/scale.ts';

test.each([
  [39.9961, [40], 2, '39.996'],
  [39.9999, [40], 2, '39.9999'],
  [39.96, [40], 1, '39.96'],
  [39.94, [40], 1, '39.9'],
  [40, [40], 2, '40.00'],
  [40.0001, [40], 1, '40.0'],
  [27.9634, [27.9634], 1, '28.0'],
  [27.9633, [27.9634], 1, '27.96'],
  [39.96, [], 1, '40.0'],
] as const)(
  'the score %d with edges at %j and %i decimals is shown as its side requires',
  (value, edges, decimals, shown) => {
    expect(scoreBetween(value, edges, decimals)).toBe(shown);
  },
);

test('no score is shown on the other side of a threshold', () => {
  for (let at = 399_000; at <= 401_000; at++) {
    const value = at / 10_000;
    expect(Number(scoreBetween(value, [40, 39.95])) >= 40).toBe(value >= 40);
    expect(Number(scoreBetween(value, [40, 39.95])) >= 39.95).toBe(value >= 39.95);
  }
});

test('the limits of the filters are edges, and the maximum itself is below its edge', () => {
  expect(scoreEdges({ min: undefined, max: undefined })).toEqual([]);
  expect(scoreEdges({ min: 20, max: 39.9999 })).toEqual([20, 40]);
});

test('a threshold is shown without rounding', () => {
  expect([40, 0, 27.5, 27.9634].map(threshold)).toEqual(['40.0', '0.0', '27.5', '27.9634']);
});

test('a share is 0 % or 100 % only if it is none or all', () => {
  const shares = [0, 0.00001, 0.001, 0.5, 0.9994, 0.9996, 1];
  expect(shares.map(percent)).toEqual(['0 %', '<0.1 %', '0.1 %', '50.0 %', '99.9 %', '>99.9 %', '100 %']);
});

test('the range of a band is shown with its ends', () => {
  const scale = scaleOf('compact-1');
  const wordsAt = (score: number) => {
    const band = bandOf(scale, score);
    return band && rangeWords(scale, band);
  };
  expect([0, 15.9, 16, 30, 40, 70].map(wordsAt)).toEqual([
    ...['below 16', 'below 16', '16 to 40', '16 to 40'],
    ...['40 and more', '40 and more'],
  ]);
});

test.each([
  [0, '<0.1 s'],
  [0.05, '0.1 s'],
  [9.96, '10 s'],
  [59.7, '1 min 0 s'],
  [119.7, '2 min 0 s'],
  [3_599.6, '1 h 0 min'],
  [86_399, '1 d 0 h'],
  [90_000, '1 d 1 h'],
])('a duration of %d s is never shown as 0 or with 60 of a unit', (seconds, shown) => {
  expect(duration(seconds)).toBe(shown);
});
