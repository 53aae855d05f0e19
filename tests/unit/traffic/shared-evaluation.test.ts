import { expect, test } from 'vitest';
import type { Evaluation } from '../../../evaluation/evaluation.ts';
import type { ModelSpec, Recipe } from '../../../models/model.ts';
import type { Registry } from '../../../models/registry/registry.ts';
import type { TrafficPlan } from '../../../shared/contracts/traffic.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { createObservations } from '../../../traffic/observations.ts';
import { armFor } from '../../../traffic/plan.ts';
import { createSharedEvaluation } from '../../../traffic/shared-evaluation.ts';

const recipe = (model: string): Recipe => ({
  model,
  revision: '1',
  precision: 'fp32',
  preprocess: 'standard-1',
  textCleaning: 'clip-1',
});
const plan: TrafficPlan = {
  profile: 'fast',
  experiment: 'one',
  arms: [
    { role: 'main', share: 0.5, ...recipe('main') },
    { role: 'canary', share: 0.5, ...recipe('tried') },
  ],
};
const pairs = Array.from({ length: 40 }, (_, at) => ({ image: `https://example.org/${at}.jpg`, text: 'a cat' }));
const ofCanary = pairs.filter(({ image }) => armFor(plan, image).role === 'canary');

/** Every pair has the same score, and whoever listens is told of it. */
const evaluation = {
  evaluate: async (spec, asked, { onScored } = {}) =>
    asked.map((_pair, at) => {
      onScored?.({ spec, at, outcome: { cosine: 0.3 }, runs: [] });
      return { status: 'succeeded' as const, score: 30, cosine: 0.3 };
    }),
} as Evaluation;

test.each([
  ['has failed where it should be and cannot be used', true, ofCanary.length],
  ['has not failed where the registry does not have it yet', false, 0],
])('a canary %s, and the main model answers', async (_what, shouldBeHere, failed) => {
  const observations = createObservations();
  const resolvePinned: Registry['resolvePinned'] = async (pinned) => {
    if (pinned.model === 'main') return pinned as unknown as ModelSpec;
    if (shouldBeHere) throw new ServiceError('model.unavailable', 'its files are not here');
    return { difference: 'revision none of tried instead of 1' };
  };
  const shared = createSharedEvaluation(evaluation, { resolvePinned } as Registry, observations);
  const outcomes = await shared.evaluate(plan, pairs);
  expect(outcomes).toEqual(pairs.map(() => ({ status: 'succeeded', score: 30, cosine: 0.3, model: 'main' })));
  const { add = {} } = observations.take()[0]?.seen ?? {};
  expect(ofCanary.length).toBeGreaterThan(10);
  expect([add['arm:main:items'], add['arm:tried:failed'] ?? 0]).toEqual([pairs.length, failed]);
});

const split: TrafficPlan = {
  ...plan,
  arms: [
    { role: 'main', share: 0.5, ...recipe('main') },
    { role: 'split', share: 0.5, ...recipe('other') },
  ],
};
/** Models that are known here and cannot be loaded, as `broken` says; others answer. */
const partlyBroken = (...broken: string[]) => {
  const fails = {
    evaluate: async (spec, asked, options) => {
      if (broken.includes(spec.model)) throw new ServiceError('model.unavailable', `${spec.model} cannot be loaded`);
      return await evaluation.evaluate(spec, asked, options);
    },
  } as Evaluation;
  const resolvePinned: Registry['resolvePinned'] = async (pinned) => pinned as unknown as ModelSpec;
  return createSharedEvaluation(fails, { resolvePinned } as Registry, createObservations());
};
const armOf = (image: string) => armFor(split, image).model;

test.each(['main', 'other'])(
  'pairs of a split whose model %s cannot be loaded fail, and the others are scored',
  async (broken) => {
    const shared = partlyBroken(broken);
    const outcomes = await shared.evaluate(split, pairs, { mayLackModels: true });
    if ('difference' in outcomes) throw new Error(outcomes.difference);
    for (const [at, outcome] of outcomes.entries()) {
      const model = armOf(pairs[at]?.image ?? '');
      expect(outcome).toMatchObject(
        model === broken
          ? { status: 'failed', model, error: { code: 'model.unavailable', message: `${broken} cannot be loaded` } }
          : { status: 'succeeded', model },
      );
    }
    // Without leave the chunk is another worker's, or a later one's.
    await expect(shared.evaluate(split, pairs)).rejects.toMatchObject({ code: 'model.unavailable' });
  },
);

test('a process that can load no model of a split says so, and fails no pair', async () => {
  const shared = partlyBroken('main', 'other');
  await expect(shared.evaluate(split, pairs, { mayLackModels: true })).rejects.toMatchObject({
    code: 'model.unavailable',
  });
});
