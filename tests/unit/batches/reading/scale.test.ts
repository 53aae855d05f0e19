import { expect, test } from 'vitest';
import { CosineCounts } from '../../../../batches/reading/compared/scale.ts';

const scaleOf = (...scores: number[]) => {
  const counts = new CosineCounts();
  for (const score of scores) counts.add(Math.round(score * 10_000));
  return counts.toScale();
};

test('the score that a number of items reach has no more decimals than its effect needs', () => {
  const scale = scaleOf(10.1234, 39.7252, 40.0031, 40.0049, 40.0053);
  expect(scale.scoreReachedBy(4)).toBe(11);
  expect(scale.scoreReachedBy(3)).toBe(40);
  expect(scale.scoreReachedBy(2)).toBe(40.004);
  expect(scale.scoreReachedBy(1)).toBe(40.005);
  expect(scaleOf(40.0001, 40.0002).scoreReachedBy(1)).toBe(40.0002);
  expect(scale.scoreReachedBy(0)).toBe(41);
  expect(scale.scoreReachedBy(5)).toBe(0);
});

test('no more items reach the score than asked for when several have the same score', () => {
  expect(scaleOf(20, 30, 30, 30).scoreReachedBy(2)).toBe(31);
  expect(scaleOf(20, 30, 30, 30).scoreReachedBy(3)).toBe(21);
});
