import { describe, expect, test } from 'vitest';
import { canaryGuard, canaryWindow, type WindowFigures } from '../../../shared/contracts/traffic.ts';
import { judge } from '../../../traffic/guard.ts';

const rules = { guard: canaryGuard.parse({}), window: canaryWindow.parse({ items: 100, seconds: 60 }), compare: 0.5 };
const good: WindowFigures = {
  items: 100,
  errorShare: 0.01,
  mainErrorShare: 0.01,
  latencyRatio: 1.1,
  compared: 50,
  scoreDrift: 0.1,
  rankCorrelation: 0.99,
};

describe('a window of a canary', () => {
  test('passes with its items when all is well', () => {
    expect(judge(good, rules, 5)).toEqual([]);
  });

  test('stays open until it has its items', () => {
    expect(judge({ ...good, items: 99 }, rules, 5)).toBeUndefined();
  });

  test('ends with its time, if there is anything to judge', () => {
    expect(judge({ ...good, items: 20 }, rules, 60)).toEqual([]);
    expect(judge({ ...good, items: 19 }, rules, 6_000)).toBeUndefined();
  });

  test.each([
    ['errors', { errorShare: 0.031 }, /3\.1 % of its items failed, compared with 1\.0 %/],
    ['latency', { latencyRatio: 2.01 }, /2\.01 times as long/],
    ['drift', { scoreDrift: 1.01 }, /1\.01 points/],
    ['ranking', { rankCorrelation: 0.89 }, /correlation is 0\.890/],
  ])('fails for its %s, and says so', (_, fault, reason) => {
    const reasons = judge({ ...good, ...fault }, rules, 5);
    expect(reasons).toHaveLength(1);
    expect(reasons?.[0]).toMatch(reason);
  });

  test('names every reason', () => {
    expect(
      judge({ ...good, errorShare: 0.5, latencyRatio: 3, scoreDrift: 9, rankCorrelation: 0 }, rules, 5),
    ).toHaveLength(4);
  });

  test('fails at once when it has too many failures to pass', () => {
    // 3 % of a hundred are allowed: three failures of twenty are not too many yet, four are.
    expect(judge({ ...good, items: 20, errorShare: 3 / 20 }, rules, 1)).toBeUndefined();
    expect(judge({ ...good, items: 20, errorShare: 4 / 20 }, rules, 1)).toHaveLength(1);
    expect(judge({ ...good, items: 19, errorShare: 1 }, rules, 1)).toBeUndefined();
  });

  test('does not pass before the scores were compared, unless they are not to be', () => {
    const uncompared = { ...good, compared: 0, scoreDrift: null, rankCorrelation: null };
    expect(judge(uncompared, rules, 5)).toBeUndefined();
    expect(judge(uncompared, { ...rules, compare: 0 }, 5)).toEqual([]);
    expect(judge({ ...uncompared, errorShare: 0.9 }, rules, 5)).toHaveLength(1);
  });
});

test('a canary of another family is judged without its drift, which is not measured', () => {
  expect(judge({ ...good, scoreDrift: null }, rules, 5)).toEqual([]);
  expect(judge({ ...good, scoreDrift: null, rankCorrelation: 0.5 }, rules, 5)).toHaveLength(1);
  expect(judge({ ...good, scoreDrift: null, rankCorrelation: null, compared: 9 }, rules, 5)).toBeUndefined();
});
