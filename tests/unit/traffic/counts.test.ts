import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Counts,
  figuresOf,
  latencyRatio,
  medianLatencyRatio,
  ratioField,
  runField,
} from '../../../traffic/counts.ts';
import { rankCorrelation } from '../../../traffic/rank-correlation.ts';

/** Counts of inputs in runs of one size, with the time of each run. */
const runs = (model: string, size: number, inputs: number, ms: number): Counts => ({
  [runField(model, 'image', size, 'inputs')]: inputs,
  [runField(model, 'image', size, 'ms')]: (inputs * ms) / size,
});

describe('the latency of two models', () => {
  test('is compared over runs of equal size', () => {
    // The main model runs eight at a time in 80 ms and one alone in 14; the canary, nearly always alone, takes 14 too.
    const counts = { ...runs('main', 8, 100, 80), ...runs('main', 1, 10, 14), ...runs('new', 1, 50, 14) };
    expect(latencyRatio(counts, 'main', 'new')).toBeCloseTo(1);
    expect(latencyRatio({ ...counts, ...runs('new', 1, 50, 28) }, 'main', 'new')).toBeCloseTo(2);
  });

  test('weighs sizes by what the canary ran', () => {
    const counts = {
      ...runs('main', 1, 100, 10),
      ...runs('main', 8, 100, 40),
      ...runs('new', 1, 90, 10),
      ...runs('new', 8, 80, 80),
    };
    expect(latencyRatio(counts, 'main', 'new')).toBeCloseTo((90 * 10 + 80 * 10) / (90 * 10 + 80 * 5));
  });

  test('is that of each input where the candidate is so slow that its inputs pile up', () => {
    const counts = { ...runs('main', 1, 100, 2), ...runs('new', 4, 60, 64), ...runs('new', 1, 6, 16) };
    expect(latencyRatio(counts, 'main', 'new')).toBeCloseTo(8);
  });

  test('is unknown where too little was timed', () => {
    expect(latencyRatio({ ...runs('main', 1, 4, 10), ...runs('new', 1, 50, 14) }, 'main', 'new')).toBeNull();
    expect(latencyRatio({ ...runs('main', 1, 50, 10), ...runs('new', 8, 4, 14) }, 'main', 'new')).toBeNull();
    expect(latencyRatio({}, 'main', 'new')).toBeNull();
  });

  test('takes sizes in powers of two', () => {
    expect(runField('m', 'image', 5, 'ms')).toBe(runField('m', 'image', 8, 'ms'));
    expect(runField('m', 'image', 8, 'ms')).not.toBe(runField('m', 'image', 9, 'ms'));
    expect(runField('m', 'image', 1, 'ms')).not.toBe(runField('m', 'text', 1, 'ms'));
  });
});

describe('the median over pairs of items', () => {
  const pairs = (ratios: number[], runs: 'alike' | 'any' = 'alike') => {
    const counts: Counts = {};
    for (const ratio of ratios) {
      for (const field of runs === 'alike' ? (['alike', 'any'] as const) : (['any'] as const)) {
        const name = ratioField('new', field, ratio);
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
    return counts;
  };

  test('ignores runs that other programs have slowed down', () => {
    // By its sums an identical model would be 5 times as slow.
    const noisy = Array.from({ length: 50 }, (_, at) => (at % 5 === 0 ? 21 : 1));
    expect(medianLatencyRatio(pairs(noisy), 'new')).toBe(1);
    expect(figuresOf(pairs(noisy), [], 'main', 'new').latencyRatio).toBe(1);
  });

  test('is known to 4 %', () => {
    for (const ratio of [0.3, 1.3, 2.1, 7]) {
      expect((medianLatencyRatio(pairs(Array(20).fill(ratio)), 'new') ?? 0) / ratio).toBeCloseTo(1, 1);
    }
    expect(medianLatencyRatio(pairs(Array(20).fill(1e6)), 'new')).toBe(32);
  });

  test('takes runs of equal size where there are enough, and all where there are not', () => {
    const alike = pairs(Array(20).fill(1));
    const mixed = { ...alike, ...pairs(Array(60).fill(4), 'any') };
    expect(medianLatencyRatio(mixed, 'new')).toBe(1);
    expect(medianLatencyRatio({ ...mixed, ...pairs(Array(600).fill(4), 'any') }, 'new')).toBe(4);
  });

  test('is unknown for fewer than ten pairs', () => {
    expect(medianLatencyRatio(pairs(Array(9).fill(3)), 'new')).toBeNull();
  });
});

describe('figures of a window', () => {
  test('come from its counts', () => {
    const counts = {
      'arm:main:items': 400,
      'arm:main:failed': 4,
      'arm:new:items': 100,
      'arm:new:failed': 5,
      'canary:new:pairs': 50,
      'canary:new:absolute': 25,
    };
    const pairs = Array.from({ length: 50 }, (_, at) => [at, at + 0.5] as const);
    expect(figuresOf(counts, pairs, 'main', 'new')).toEqual({
      items: 100,
      errorShare: 0.05,
      mainErrorShare: 0.01,
      latencyRatio: null,
      compared: 50,
      scoreDrift: 0.5,
      rankCorrelation: 1,
    });
  });

  test('have no figures of scores before ten pairs', () => {
    const counts = { 'canary:new:pairs': 9, 'canary:new:absolute': 90 };
    expect(figuresOf(counts, [], 'main', 'new')).toMatchObject({ scoreDrift: null, rankCorrelation: null });
  });
});

describe('rank correlation', () => {
  test('is one for the same order, minus one for the opposite, whatever the distances', () => {
    expect(
      rankCorrelation([
        [1, 10],
        [2, 11],
        [30, 500],
      ]),
    ).toBe(1);
    expect(
      rankCorrelation([
        [1, 500],
        [2, 11],
        [30, 10],
      ]),
    ).toBe(-1);
  });

  test('gives equal values the mean of their ranks', () => {
    // scipy.stats.spearmanr([1, 2, 2, 3], [1, 3, 2, 4]).statistic
    expect(
      rankCorrelation([
        [1, 1],
        [2, 3],
        [2, 2],
        [3, 4],
      ]),
    ).toBeCloseTo(0.948683298, 8);
  });

  test('is unknown where one side does not vary', () => {
    expect(
      rankCorrelation([
        [1, 1],
        [1, 2],
      ]),
    ).toBeNull();
    expect(rankCorrelation([[1, 1]])).toBeNull();
    expect(rankCorrelation([])).toBeNull();
  });

  test('lies between minus one and one, and does not depend on the order of the pairs', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 40 }), (pairs) => {
        const found = rankCorrelation(pairs);
        if (found === null) return;
        expect(Math.abs(found)).toBeLessThanOrEqual(1 + 1e-9);
        expect(rankCorrelation(pairs.toReversed())).toBeCloseTo(found, 8);
      }),
    );
  });
});
