import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEvaluationEngine, type EvaluationEngine } from '../../../evaluation/engine.ts';
import { readConfig } from '../../../shared/config.ts';
import { createLogger } from '../../../shared/log.ts';
import { captions, photoNames, readPhoto } from '../../../testing/images/host.ts';

interface Reference {
  images: string[];
  texts: string[];
  cosine: number[][];
}
const reference = JSON.parse(
  readFileSync(new URL('../../golden/compact/expected.json', import.meta.url), 'utf8'),
) as Reference;

let evaluationEngine: EvaluationEngine;
beforeAll(async () => {
  evaluationEngine = await createEvaluationEngine(readConfig({}), await createLogger({ name: 'test', level: 'warn' }));
});
afterAll(() => evaluationEngine.close());

test('the embedded model reproduces the 36 reference cosines within 0.02', async () => {
  const { spec } = await evaluationEngine.registry.resolve('compact');
  for (const [row, image] of reference.images.entries()) {
    const { scores } = await evaluationEngine.evaluation.scoreTexts([spec], readPhoto(image), reference.texts);
    for (const [column, { cosine, text }] of scores.results.entries()) {
      expect(
        Math.abs(cosine - (reference.cosine[row]?.[column] ?? Number.NaN)),
        `${image} with "${text}"`,
      ).toBeLessThan(0.02);
    }
  }
});

test.for(photoNames)('the right caption comes first for %s', async (photo) => {
  const { spec } = await evaluationEngine.registry.resolve('compact');
  const texts = Object.values(captions);
  const { scores } = await evaluationEngine.evaluation.scoreTexts([spec], readPhoto(photo), texts);
  const best = scores.results.toSorted((a, b) => b.score - a.score)[0];
  expect(best?.text).toBe(captions[photo]);
});
