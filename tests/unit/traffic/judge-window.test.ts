import { expect, test, vi } from 'vitest';
import type { JudgedWindow, Trial } from '../../../shared/contracts/traffic.ts';
import { armField, type Counts, comparisonField, ratioField } from '../../../traffic/counts.ts';
import { createJudgeWindow } from '../../../traffic/judge-window.ts';
import type { CanaryState, TrafficStore } from '../../../traffic/store.ts';
import { silentLog } from '../../support/silent-log.ts';

const trial: Trial = {
  model: 'tried',
  main: 'main',
  compare: 1,
  window: { items: 50, seconds: 60 },
  promoteAfter: 2,
  guard: { errorShare: 0.02, latencyRatio: 2, scoreDrift: 1, rankCorrelation: 0.9 },
};
const experiment = { profile: 'fast', experiment: 'one', trial };

/** A full window whose canary failed on some items and took a multiple of the main model's time. */
const counts = ({ failed = 0, ratio = 1, items = 50 }): Counts => ({
  [armField('tried', 'items')]: items,
  [armField('tried', 'failed')]: failed,
  [armField('main', 'items')]: items,
  [comparisonField('canary', 'tried', 'pairs')]: items,
  [ratioField('tried', 'alike', ratio)]: items,
  [ratioField('tried', 'any', ratio)]: items,
});

async function judged(window: Counts, { passed = 0, before = [] as JudgedWindow[], isFirst = true } = {}) {
  const settle = vi.fn<TrafficStore['settle']>(async () => isFirst);
  const windowPairs = vi.fn(async () => Array.from({ length: 50 }, (_, at): [number, number] => [at, at]));
  const store = {
    window: async () => window,
    windowPairs,
    windows: async () => before,
    state: async () => ({ passed }) as CanaryState,
    settle,
  } as unknown as TrafficStore;
  await createJudgeWindow(store, silentLog())(experiment, { phase: 'trial', number: 2, startedAt: 0, now: 30_000 });
  const [call] = settle.mock.calls;
  return { phase: call?.[2], passed: call?.[3], reason: call?.[4], window: call?.[1], windowPairs };
}

test('a window that is not full is left open, and its pairs are not read', async () => {
  const { phase, windowPairs } = await judged(counts({ items: 10 }));
  expect(phase).toBeUndefined();
  expect(windowPairs).not.toHaveBeenCalled();
});

test('a window that passes is counted, and the last one promotes the canary', async () => {
  expect(await judged(counts({}))).toMatchObject({ phase: 'trial', passed: 1, reason: '' });
  expect(await judged(counts({}), { passed: 1 })).toMatchObject({
    phase: 'promoted',
    passed: 2,
    reason: 'passed 2 windows in a row',
  });
});

test('a window with failures ends the trial at once', async () => {
  const { phase, reason, window } = await judged(counts({ failed: 10 }), { passed: 1 });
  expect([phase, reason]).toEqual(['rolled_back', expect.stringContaining('20.0 % of its items failed')]);
  expect(window).toMatchObject({ number: 2, verdict: 'failed' });
});

test('a window that is only too slow ends the trial with the second in a row', async () => {
  const once = await judged(counts({ ratio: 4 }), { passed: 1 });
  expect(once).toMatchObject({ phase: 'trial', passed: 0, window: { verdict: 'failed' } });
  expect(once.window?.reasons).toHaveLength(2);
  const slow = { ...(once.window as JudgedWindow), number: 1 };
  expect(await judged(counts({ ratio: 4 }), { before: [slow] })).toMatchObject({ phase: 'rolled_back' });
});
