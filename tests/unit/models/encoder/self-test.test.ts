import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEncoder } from '../../../../models/encoder/encoder.ts';
import { compactFolder, goldenClip, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';

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
