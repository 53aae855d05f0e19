import { describe, expect, test } from 'vitest';
import { recipeOf } from '../../../models/model.ts';
import { profileEntry } from '../../../models/registry/traffic.ts';
import { specOf, tinyClipFolder } from '../../../testing/model-folders.ts';
import { armFor, type Experiment, imageKey, mainModel, planOf, positionOf } from '../../../traffic/plan.ts';

const spec = await specOf(tinyClipFolder);
const specs = (...models: string[]) => new Map(models.map((model) => [model, { ...spec, model }]));
const rules = profileEntry.parse({
  model: 'old',
  split: { other: 0.2 },
  canary: { model: 'new', share: 0.1 },
  shadow: { model: 'dark', share: 0.05 },
});
const experiment: Experiment = {
  profile: 'fast',
  rules,
  id: 'x',
  specs: specs('old', 'other', 'new', 'dark'),
  fault: null,
};
const shares = (plan: ReturnType<typeof planOf>) => plan.arms.map(({ role, model, share }) => [role, model, share]);
const images = Array.from({ length: 20_000 }, (_, at) => `https://example.org/${at}.jpg`);

describe('a plan', () => {
  test('gives a canary on trial and a split their shares, and the main model the rest', () => {
    const plan = planOf(experiment, 'trial');
    expect(shares(plan)).toEqual([
      ['main', 'old', 0.7],
      ['split', 'other', 0.2],
      ['canary', 'new', 0.1],
    ]);
    expect(plan).toMatchObject({
      profile: 'fast',
      trial: { model: 'new', main: 'old' },
      shadow: { model: 'dark', share: 0.05 },
    });
    expect(plan.arms[0]).toMatchObject(recipeOf(spec.model === 'old' ? spec : { ...spec, model: 'old' }));
  });

  test.each(['rolled_back', undefined] as const)('leaves the canary out when its phase is %s', (phase) => {
    const plan = planOf(experiment, phase);
    expect(shares(plan)).toEqual([
      ['main', 'old', 0.8],
      ['split', 'other', 0.2],
    ]);
    expect(plan.trial).toBeUndefined();
  });

  test('has a promoted canary in the main model’s place', () => {
    expect(shares(planOf(experiment, 'promoted'))).toEqual([
      ['main', 'new', 0.8],
      ['split', 'other', 0.2],
    ]);
    expect(mainModel(experiment, 'promoted')).toBe('new');
  });

  test('leaves the share of a model that cannot be used here to the main one', () => {
    const here = { ...experiment, specs: specs('old', 'other') };
    expect(shares(planOf(here, 'trial'))).toEqual([
      ['main', 'old', 0.8],
      ['split', 'other', 0.2],
    ]);
    expect(planOf(here, 'trial')).not.toHaveProperty('shadow');
    expect(mainModel(here, 'promoted')).toBe('old');
  });
});

describe('the model of an image', () => {
  const plan = planOf(experiment, 'trial');
  const modelsOf = (of: typeof plan) => images.map((image) => armFor(of, image).model);

  test('is the same whenever it is asked for, however the image is written', () => {
    for (const image of images.slice(0, 50)) {
      expect(armFor(plan, imageKey({ url: image }))).toBe(armFor(plan, imageKey(image)));
    }
    expect(modelsOf(plan)).toEqual(modelsOf(planOf(experiment, 'trial')));
  });

  test('falls to each arm in proportion to its share', () => {
    const models = modelsOf(plan);
    for (const { model, share } of plan.arms) {
      const part = models.filter((one) => one === model).length / models.length;
      // Five standard deviations of a fair draw.
      expect(Math.abs(part - share), model).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / images.length));
    }
  });

  test('stays with a canary whose share grows', () => {
    const grown = { ...plan, arms: plan.arms.map((arm) => (arm.role === 'canary' ? { ...arm, share: 0.3 } : arm)) };
    for (const image of images.slice(0, 2_000)) {
      if (armFor(plan, image).role === 'canary') expect(armFor(grown, image).role).toBe('canary');
    }
  });

  test('stays with a split, whatever becomes of the canary', () => {
    for (const phase of ['promoted', 'rolled_back'] as const) {
      const after = planOf(experiment, phase);
      for (const image of images.slice(0, 2_000)) {
        expect(armFor(after, image).role === 'split').toBe(armFor(plan, image).role === 'split');
      }
    }
  });

  test('says nothing about which images are compared, or seen by the shadow', () => {
    const canary = images.filter((image) => armFor(plan, image).role === 'canary');
    for (const purpose of ['compare', 'shadow'] as const) {
      const part = canary.filter((image) => positionOf('fast', purpose, image) < 0.5).length / canary.length;
      expect(part).toBeGreaterThan(0.4);
      expect(part).toBeLessThan(0.6);
    }
  });

  test('depends on the bytes of an upload', () => {
    const bytes = (value: number) => new Uint8Array(100).fill(value);
    expect(positionOf('fast', 'arm', bytes(1))).toBe(positionOf('fast', 'arm', bytes(1)));
    expect(positionOf('fast', 'arm', bytes(1))).not.toBe(positionOf('fast', 'arm', bytes(2)));
  });
});

describe('models are compared', () => {
  const canaryAndShadow = planOf(experiment, 'trial');
  const withFamily = (model: string, family: 'siglip') =>
    planOf({ ...experiment, specs: new Map([...experiment.specs, [model, { ...spec, model, family }]]) }, 'trial');

  test('by their scores within one family', () => {
    expect(canaryAndShadow.trial?.comparedBy).toBe('scores');
    expect(canaryAndShadow.shadow?.comparedBy).toBe('scores');
  });

  test('by their ranks where the canary is of another family', () => {
    expect(withFamily('new', 'siglip').trial?.comparedBy).toBe('ranks');
  });

  test('by their ranks where the shadow is of another family than a model that answers', () => {
    expect(withFamily('dark', 'siglip')).toMatchObject({
      trial: { comparedBy: 'scores' },
      shadow: { comparedBy: 'ranks' },
    });
    expect(withFamily('other', 'siglip').shadow?.comparedBy).toBe('ranks');
  });
});
