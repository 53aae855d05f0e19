import { expect, test } from 'vitest';
import { canaryPhase } from '../../../shared/contracts/traffic.ts';
import {
  actionsIn,
  correlation,
  failedOf,
  meanOf,
  shownPair,
  signed,
  timesOf,
} from '../../../web/system/traffic/words.ts';

test('a difference has its sign, and a minus that is one', () => {
  expect([1.234, -1.234, 0, null].map(signed)).toEqual(['+1.23', '−1.23', '0.00', '–']);
  expect([0.9999, -0.1244, null].map(correlation)).toEqual(['1.000', '−0.124', '–']);
});

test('a mean is said with its margin where there is one', () => {
  expect(meanOf({ meanScore: 27.314, meanScoreMargin: 0.126 })).toBe('27.31 ± 0.13');
  expect(meanOf({ meanScore: 27.314, meanScoreMargin: null })).toBe('27.31');
  expect(meanOf({ meanScore: null, meanScoreMargin: null })).toBe('–');
});

test('what was not measured is left open', () => {
  const nothing = { items: 20, compared: 0, scoreDrift: null, rankCorrelation: null };
  expect(failedOf({ ...nothing, errorShare: 0.05, mainErrorShare: null, latencyRatio: null })).toBe(
    '5.0\u00a0% (main –)',
  );
  expect([null, 1.4567].map(timesOf)).toEqual(['–', '1.46 ×']);
});

test('a pair names both models, and shows how far the candidate is from the reference', () => {
  const pair = { image: null, text: 'a cat', reference: 30.04, candidate: 28 };
  expect(shownPair(pair, 0, { reference: 'compact-1', candidate: 'altered' })).toMatchObject({
    text: 'a cat',
    note: '30.0 by compact-1, 28.0 by altered',
    value: '−2.04',
  });
});

test('from every phase of a canary two decisions lead to the other two phases', () => {
  const leadsTo = { promote: 'promoted', rollback: 'rolled_back', restart: 'trial' } as const;
  for (const phase of canaryPhase.options) {
    const reached = actionsIn[phase].map((action) => leadsTo[action]);
    expect(new Set([phase, ...reached])).toEqual(new Set(canaryPhase.options));
  }
});
