import { describe, expect, test } from 'vitest';
import { cosineOf, pairProbabilityOf, probabilitiesOf, scoreOf } from '../../../evaluation/formulas.ts';

const vector = (...values: number[]) => Float32Array.from(values);

describe('the cosine', () => {
  test.each([
    ['equal embeddings', vector(1, 0), vector(1, 0), 1],
    ['opposite embeddings', vector(1, 0), vector(-1, 0), -1],
    ['embeddings at a right angle', vector(1, 0), vector(0, 1), 0],
    ['embeddings in between', vector(0.6, 0.8), vector(1, 0), 0.6],
  ])('of %s', (_what, a, b, cosine) => {
    expect(cosineOf(a, b)).toBe(cosine);
  });

  test('has six decimals', () => {
    expect(cosineOf(vector(0.123456789), vector(1))).toBe(0.123457);
  });

  test('never leaves [-1, 1], although rounded embeddings can be longer than 1', () => {
    expect(cosineOf(vector(1.000001), vector(1))).toBe(1);
    expect(cosineOf(vector(1.000001), vector(-1))).toBe(-1);
  });

  test('is never negative zero', () => {
    expect(Object.is(cosineOf(vector(-1e-9), vector(1)), 0)).toBe(true);
    expect(Object.is(cosineOf(vector(-0), vector(1)), 0)).toBe(true);
  });
});

describe('the score', () => {
  test.each([
    [1, 100],
    [0.2731, 27.31],
    [0.273149, 27.3149],
    [0, 0],
    [-0.2731, 0],
    [-1, 0],
  ])('of the cosine %f is %f', (cosine, score) => {
    expect(scoreOf(cosine)).toBe(score);
  });

  test('is never negative zero', () => {
    expect(Object.is(scoreOf(-0.1), 0)).toBe(true);
    expect(Object.is(scoreOf(-0), 0)).toBe(true);
  });
});

describe('probabilities', () => {
  const sigmoid = { kind: 'sigmoid', scale: 100, bias: -10 } as const;
  const softmax = { kind: 'softmax', scale: 100 } as const;

  test('of a softmax add up to 1', () => {
    expect(probabilitiesOf([0.3, 0.29], softmax)).toEqual([0.731059, 0.268941]);
  });

  test('of a sigmoid are those of each pair, whatever the other candidates are', () => {
    expect(probabilitiesOf([0.1, 0.2], sigmoid)).toEqual([0.5, 0.999955]);
    expect(pairProbabilityOf(0.1, sigmoid)).toBe(0.5);
    expect(pairProbabilityOf(-1, sigmoid)).toBe(0);
  });

  test('of a pair are absent with a softmax, which needs candidates', () => {
    expect(pairProbabilityOf(0.3, softmax)).toBeUndefined();
  });
});
