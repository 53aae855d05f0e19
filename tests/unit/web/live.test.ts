import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addSample, ratesOf, type Sample } from '../../../web/batches/progress-samples.ts';

test('samples stay few, in order, and keep the first and the last', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(900), fc.nat(64)), { minLength: 2, maxLength: 3_000 }), (steps) => {
      let [ms, done] = [1_000, 0];
      let samples: Sample[] = [[ms, done]];
      for (const [wait, more] of steps) {
        ms += wait;
        done += more;
        samples = addSample(samples, [ms, done]);
      }
      expect(samples.length).toBeLessThanOrEqual(480);
      expect(samples[0]?.[0]).toBe(1_000);
      expect(samples.at(-1)?.[1]).toBe(done);
      expect(samples.every(([at], index) => index === 0 || at > (samples[index - 1]?.[0] ?? 0))).toBe(true);
    }),
  );
});

test('an event that comes twice, or late, changes nothing', () => {
  const samples: Sample[] = [
    [1_000, 0],
    [2_000, 64],
  ];
  expect(addSample(samples, [2_000, 64])).toEqual(samples);
  expect(addSample(samples, [1_500, 32])).toEqual(samples);
});

test('a steady batch has a flat rate', () => {
  const samples = Array.from({ length: 50 }, (_, at): Sample => [at * 1_000, at * 80]);
  const { seconds, rates } = ratesOf(samples);
  expect(seconds.at(-1)).toBe(49);
  for (const rate of rates) expect(rate).toBeCloseTo(80);
});

test('an outage is a step in the rate, not a slope', () => {
  const samples = Array.from({ length: 80 }, (_, at): Sample => [at * 500 + (at < 40 ? 0 : 60_000), at * 40]);
  const { seconds, rates } = ratesOf(samples);
  const points = seconds.map((second, at) => [second, rates[at] ?? 0] as const);
  for (const [second, rate] of points) {
    if (second <= 19.5 || second > 81) expect(rate).toBeCloseTo(80);
    else expect(rate).toBeLessThan(1);
  }
  expect(points.filter(([second]) => second > 19.5 && second <= 80)).toHaveLength(2);
  expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
});
