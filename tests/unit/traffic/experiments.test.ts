import { expect, test, vi } from 'vitest';
import type { ModelSpec } from '../../../models/model.ts';
import type { Registry } from '../../../models/registry/registry.ts';
import type { Redis } from '../../../shared/redis.ts';
import { specOf, tinyClipFolder } from '../../../testing/model-folders.ts';
import { createExperiments } from '../../../traffic/experiments.ts';
import { createObservations } from '../../../traffic/observations.ts';
import type { TrafficStore } from '../../../traffic/store.ts';
import { silentLog } from '../../support/silent-log.ts';

const tinyClip = await specOf(tinyClipFolder);
const rules = { model: 'main', split: {}, canary: { model: 'tried', share: 0.05 } };
const registry = {
  profiles: ['fast'],
  rulesOf: () => rules,
  resolve: async (model: string) => ({ profile: 'fast', spec: { ...tinyClip, model } }),
} as unknown as Registry;

/** Experiments of a process that has just started, with a canary promoted in Redis. */
function started(status: string, state: TrafficStore['state'], warm?: (spec: ModelSpec) => void) {
  const store = { state } as TrafficStore;
  const redis = { status } as Redis;
  return createExperiments({ registry, redis, store, observations: createObservations(), warm, log: silentLog() });
}
const promoted = { phase: 'promoted', number: 4, passed: 3, startedAt: 0, since: 0, reason: null } as const;
const firstAnswer = async (experiments: ReturnType<typeof started>) => {
  const experiment = await experiments.of('fast');
  return experiment && experiments.planOf(experiment)?.arms[0]?.model;
};

test('a promotion holds for the first requests after a start', async () => {
  const experiments = started('ready', async () => {
    await new Promise(setImmediate);
    return promoted;
  });
  const together = [firstAnswer(experiments), firstAnswer(experiments)];
  expect(await Promise.all(together)).toEqual(['tried', 'tried']);
  await experiments.close();
});

test.each([
  ['promoted', ['tried']],
  ['trial', ['tried']],
  ['rolled_back', []],
] as const)('the model of a canary that is %s is loaded where it will get requests', async (phase, loaded) => {
  const warm = vi.fn();
  const experiments = started('ready', async () => ({ ...promoted, phase }), warm);
  await experiments.of('fast');
  expect(warm.mock.calls.map(([spec]) => spec.model)).toEqual(loaded);
  await experiments.close();
});

test('while Redis is away requests do not wait for it, and the canary gets none', async () => {
  const experiments = started('reconnecting', () => new Promise(() => {}));
  expect(await firstAnswer(experiments)).toBe('main');
  await experiments.close();
});
