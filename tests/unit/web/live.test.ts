import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addSample, ratesOf, type Sample } from '../../../web/batches/progress-samples.ts';
import { stageTimesOf } from '../../../web/system/overview/metrics.ts';

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

test('the mean time of a stage comes from its sum and its count', () => {
  const text = [
    'vls_stage_duration_seconds_bucket{le="0.001",stage="decode"} 3',
    'vls_stage_duration_seconds_sum{stage="decode"} 0.03',
    'vls_stage_duration_seconds_count{stage="decode"} 4',
    'vls_stage_duration_seconds_sum{stage="fetch"} 0',
    'vls_stage_duration_seconds_count{stage="fetch"} 0',
  ].join('\n');
  expect(stageTimesOf(text)).toEqual([
    { stage: 'decode', count: 4, meanMs: 7.5 },
    { stage: 'fetch', count: 0, meanMs: 0 },
  ]);
});
