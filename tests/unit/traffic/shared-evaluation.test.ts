import { describe, expect, test, vi } from 'vitest';
import type { Evaluation } from '../../../evaluation/evaluation.ts';
import type { ModelOutcome, ScoredPairs } from '../../../evaluation/outcome.ts';
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

const outcome: ModelOutcome = { outcome: { status: 'succeeded', score: 30, cosine: 0.3 }, runs: [] };
/** Every pair has the same score by every model. */
const evaluation = {
  scorePairs: async ([_answering, ...others], asked) => {
    const outcomes = asked.map(() => outcome);
    return {
      answers: outcomes,
      compared: others.map(({ model }) => ({ model, outcomes: Promise.resolve(outcomes) })),
    };
  },
} satisfies Partial<Evaluation> as unknown as Evaluation;

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
  const outcomes = await shared.scorePairs(plan, pairs);
  expect(outcomes).toEqual(pairs.map(() => ({ status: 'succeeded', score: 30, cosine: 0.3, model: 'main' })));
  const { add = {} } = observations.take()[0]?.counts ?? {};
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
    scorePairs: async (models, asked, options) => {
      const [{ model }] = models;
      if (broken.includes(model)) throw new ServiceError('model.unavailable', `${model} cannot be loaded`);
      return await evaluation.scorePairs(models, asked, options);
    },
  } satisfies Partial<Evaluation> as unknown as Evaluation;
  const resolvePinned: Registry['resolvePinned'] = async (pinned) => pinned as unknown as ModelSpec;
  return createSharedEvaluation(fails, { resolvePinned } as Registry, createObservations());
};
const armOf = (image: string) => armFor(split, image).model;

test.each(['main', 'other'])(
  'pairs of a split whose model %s cannot be loaded fail, and the others are scored',
  async (broken) => {
    const shared = partlyBroken(broken);
    const outcomes = await shared.scorePairs(split, pairs, { mayLackModels: true });
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
    await expect(shared.scorePairs(split, pairs)).rejects.toMatchObject({ code: 'model.unavailable' });
  },
);

test('a process that can load no model of a split says so, and fails no pair', async () => {
  const shared = partlyBroken('main', 'other');
  await expect(shared.scorePairs(split, pairs, { mayLackModels: true })).rejects.toMatchObject({
    code: 'model.unavailable',
  });
});

const shadowed: TrafficPlan = {
  ...plan,
  arms: [{ role: 'main', share: 1, ...recipe('main') }],
  shadow: { share: 1, ...recipe('dark') },
};
const here: Registry['resolvePinned'] = async (pinned) => pinned as unknown as ModelSpec;

test('a canary is compared with the main model, and a shadow with the model that answers', async () => {
  const observations = createObservations();
  const both: TrafficPlan = {
    ...plan,
    trial: { compare: 1 } as NonNullable<TrafficPlan['trial']>,
    shadow: { share: 1, ...recipe('dark') },
  };
  await createSharedEvaluation(evaluation, { resolvePinned: here } as Registry, observations).scorePairs(both, pairs, {
    batchId: 'the batch',
  });
  const { add = {}, canary } = observations.take()[0]?.counts ?? {};
  expect([add['canary:tried:pairs'], add['shadow:dark:pairs']]).toEqual([ofCanary.length, pairs.length]);
  expect(canary?.pairs).toHaveLength(ofCanary.length);
});

describe('a shadow that never ends', () => {
  const scored: ScoredPairs = {
    answers: [outcome],
    compared: [{ model: 'dark', outcomes: new Promise(() => {}) }],
  };
  const hanging = {
    scorePairs: async () => scored,
    scoreTexts: async () => ({ ...scored, scores: { results: [{ text: 'a cat', score: 30, cosine: 0.3 }] } }),
  } as unknown as Evaluation;

  test('delays no request, and its answer is counted', async () => {
    const observations = createObservations();
    const shared = createSharedEvaluation(hanging, { resolvePinned: here } as Registry, observations);
    expect((await shared.scoreTexts(shadowed, 'a.jpg', ['a cat'])).results).toHaveLength(1);
    expect(observations.take()[0]?.counts.add['arm:main:items']).toBe(1);
  });

  test('is waited for by its batch, as its work must not pile up', async () => {
    const shared = createSharedEvaluation(hanging, { resolvePinned: here } as Registry, createObservations());
    const ended = vi.fn();
    void shared.scorePairs(shadowed, pairs.slice(0, 1)).then(ended);
    await new Promise(setImmediate);
    expect(ended).not.toHaveBeenCalled();
  });
});
