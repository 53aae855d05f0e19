import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEncoder } from '../../../../models/encoder/encoder.ts';
import type { ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { compactFolder, goldenClip, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { familySpec, goldenFamily, sigmoids } from '../../../support/golden-family.ts';

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
  createEncoder({ spec: await specOf(from), threads: 1, deviceId: 0, maxPixels: 50_000_000 });

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

describe('of token ids, scale and bias', () => {
  const [first] = goldenClip.texts;
  const { input_ids: ids = [], embedding = [] } = first ?? {};
  const other = ids.map((id, at) => (at === 1 ? id + 1 : id));

  test('those of the reference are verified, with padding and without', async () => {
    const end = ids.indexOf(Math.max(...ids)) + 1;
    for (const known of [ids, ids.slice(0, end)]) {
      const probability = { scale: 100, bias: null };
      await golden({ source: 'the reference', texts: [{ text, ids: known, embedding }], probability });
      expect((await load()).verified).toBe(true);
    }
  });

  test('other ids are refused, although the embedding agrees: another tokenizer', async () => {
    await golden({ source: 'the reference', texts: [{ text, ids: other, embedding }] });
    await expect(load()).rejects.toThrow(`"${text}" has the token ids ${ids.slice(0, 3).join(' ')}`);
  });

  test.each([
    ['scale', { scale: 90, bias: null }, 'scale 100 instead of scale 90'],
    ['bias', { scale: 100, bias: -10 }, 'scale 100 instead of scale 100, bias -10'],
  ])('another %s is refused', async (_what, probability, message) => {
    await golden({ source: 'the reference', texts: [{ text, embedding }], probability });
    await expect(load()).rejects.toThrow(message);
  });
});

describe('of a model that reads its padding', () => {
  const values = (name: string) => {
    const { texts } = goldenFamily(name);
    const known = texts.slice(0, 2).map(({ text, input_ids: ids, embedding }) => ({ text, ids, embedding }));
    return golden({ source: 'the reference', texts: known, tolerance: { fp32: 1e-4 } });
  };
  const start = async (spec: ModelSpec, text: Partial<TextRecipe>) => {
    const goldenPath = join(folder, 'golden.json');
    const changed = { ...spec, goldenPath, text: { ...spec.text, ...text } };
    const encoder = await createEncoder({ spec: changed, threads: 1, deviceId: 0, maxPixels: 50_000_000 });
    encoder.close();
    return encoder.verified;
  };

  test.each([
    ['mobileclip', {}],
    ['siglip', sigmoids.siglip],
  ])('a missing padding of %s is refused by the embedding of a text', async (name, stated) => {
    await values(name);
    const spec = await familySpec(name, stated);
    expect(await start(spec, {})).toBe(true);
    await expect(start(spec, { pad: 'end' })).rejects.toThrow(
      /does not reproduce its golden values: ".*has the cosine/,
    );
  });

  test('a padding with another id is refused by the ids', async () => {
    await values('siglip');
    const spec = await familySpec('siglip', sigmoids.siglip);
    await expect(start(spec, { pad: { id: 0, to: 64 } })).rejects.toThrow('token ids');
  });
});

describe('the embedded model', () => {
  test.each(['exact', 'fast'] as const)('is verified where images are preprocessed as %s', async (preprocess) => {
    const spec = await specOf(compactFolder, { preprocess });
    expect((await createEncoder({ spec, threads: 1, deviceId: 0, maxPixels: 50_000_000 })).verified).toBe(true);
  });

  /** Effect on a cosine of the golden pairs; the tolerance is 0.0002. */
  test.each([
    ["CLIP's mean and deviation", [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711], 0.011],
    ["ImageNet's mean and deviation", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 0.0096],
    ["ImageNet's mean", [0.485, 0.456, 0.406], [128 / 255, 128 / 255, 128 / 255], 0.0067],
    ['no mean and deviation', [0, 0, 0], [1, 1, 1], 0.021],
    ['a half instead of 127/255 and 128/255', [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], 0.0003],
  ] as const)('is refused with %s', async (_what, mean, std, _effect) => {
    const { image } = await specOf(compactFolder);
    const spec = await specOf(compactFolder, { image: { ...image, mean, std } });
    const loaded = createEncoder({ spec, threads: 1, deviceId: 0, maxPixels: 50_000_000 });
    await expect(loaded).rejects.toThrow('does not reproduce its golden values');
  });

  test.each([
    ['nearest', { kernel: 'nearest', fit: 'cover' }],
    ['bilinear', { kernel: 'linear', fit: 'cover' }],
    ['Lanczos', { kernel: 'lanczos3', fit: 'cover' }],
    ['squashing', { kernel: 'cubic', fit: 'fill' }],
  ] as const)('has other golden values after resizing by %s', async (_what, how) => {
    await cp(compactFolder, folder, { recursive: true });
    for (const name of ['chelsea.jpg', 'rocket.jpg']) {
      const resized = sharp(join(compactFolder, 'golden', name)).resize({ width: 224, height: 224, ...how });
      // Named after the original: the decoder looks at the bytes.
      await writeFile(join(folder, 'golden', name), await resized.png().toBuffer());
    }
    await expect(load()).rejects.toThrow('does not reproduce its golden values');
  });
});
