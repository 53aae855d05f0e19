import { expect, test } from 'vitest';
import { scoreEdges } from '../../../web/batches/explorer/query.ts';
import {
  cosine,
  decimal,
  duration,
  milliseconds,
  onAxis,
  percent,
  perSecond,
  scoreBetween,
  signed,
  threshold,
} from '../../../web/ui/numbers.ts';
import { bandOf, rangeWords, scaleOf } from '../../../web/ui/scale.ts';

/** Replaces no-break spaces, which keep a number and its unit in one line. */
const spaced = (text: string): string => text.replaceAll('\u00a0', ' ');

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
  expect(shares.map((share) => spaced(percent(share)))).toEqual([
    ...['0 %', '<0.1 %', '0.1 %', '50.0 %', '99.9 %', '>99.9 %', '100 %'],
  ]);
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
  expect(spaced(duration(seconds))).toBe(shown);
});

test('a number and its unit stay in one line', () => {
  for (const text of [percent(0.5), duration(3), milliseconds(7), perSecond(5.2)]) expect(text).not.toContain(' ');
});

test('a negative number has a minus sign, and zero has no sign', () => {
  expect([-4.821, -0.001, 0, 4.821].map((value) => decimal(value, 2))).toEqual(['−4.82', '0.00', '0.00', '4.82']);
  expect([-4.821, -0.001, 0.001, 4.821].map((value) => signed(value))).toEqual(['−4.82', '0.00', '0.00', '+4.82']);
});

test('a cosine has a minus sign and the decimals of the API in every list', () => {
  expect([-0.0652, -0.00001, 0.3].map(cosine)).toEqual(['−0.0652', '0.0000', '0.3000']);
});

test('the counts of an axis have one unit', () => {
  const axis = (...counts: number[]) => counts.map((value) => onAxis(value, Math.max(...counts)));
  expect(axis(0, 2_500, 5_000, 7_500)).toEqual(['0', '2,500', '5,000', '7,500']);
  expect(axis(0, 5_000, 10_000, 20_000)).toEqual(['0', '5K', '10K', '20K']);
  expect(axis(0, 250_000, 1_000_000)).toEqual(['0', '0.25M', '1M']);
});

test('a time that is not zero is not shown as zero', () => {
  expect([0.04, 0.06, 9.96, 12.3, 1_234].map((ms) => spaced(milliseconds(ms)))).toEqual([
    ...['<0.1 ms', '0.1 ms', '10.0 ms', '12 ms', '1.2 s'],
  ]);
});
