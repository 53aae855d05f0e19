import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEvaluator } from '../../../../models/evaluator/evaluator.ts';
import { compactFolder, goldenClip, specOf, tinyClipFolder } from '../../../support/model-folders.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-golden-'));
  await cp(tinyClipFolder, folder, { recursive: true });
  await cp(join(tinyClipFolder, '..', 'images', 'rocket.jpg'), join(folder, 'rocket.jpg'));
});
afterEach(() => rm(folder, { recursive: true }));

const text = goldenClip.texts[0]?.text ?? '';
const rocket = goldenClip.images.findIndex(({ file }) => file === 'rocket.jpg');
const cosine = goldenClip.cosine[rocket]?.[0] ?? Number.NaN;
const golden = (content: unknown) => writeFile(join(folder, 'golden.json'), JSON.stringify(content));
const load = async (from = folder) =>
  createEvaluator({ spec: await specOf(from), threads: 1, deviceId: 0, maxPixels: 50_000_000 });

test('a model that reproduces its golden values is verified', async () => {
  await golden({ source: 'the reference', pairs: [{ image: 'rocket.jpg', text, cosine }] });
  expect((await load()).verified).toBe(true);
});

test('a model without golden values is loaded and not verified', async () => {
  expect((await load()).verified).toBe(false);
});

test('a model that does not reproduce them is refused, with the pair and both values', async () => {
  await golden({ source: 'the reference', pairs: [{ image: 'rocket.jpg', text, cosine: cosine + 0.01 }] });
  await expect(load()).rejects.toThrow(
    new RegExp(`rocket.jpg with "${text}" has the cosine -?0\\.\\d+ instead of ${(cosine + 0.01).toFixed(4)}`),
  );
});

test('a golden file that is wrong is refused by its field', async () => {
  await golden({ source: 'the reference', pairs: [{ image: '../secret.jpg', text, cosine }] });
  await expect(load()).rejects.toThrow('a path inside the folder');
});

test('the embedded model comes with golden values of its own', async () => {
  expect((await load(compactFolder)).verified).toBe(true);
});
