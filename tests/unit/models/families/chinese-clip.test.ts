import { describe, expect, test } from 'vitest';
import { loadSessions } from '../../../../models/encoder/towers.ts';
import type { ImageRecipe, TextRecipe } from '../../../../models/model.ts';
import { compareWithGolden, dot, familySpec, goldenFamily, measure } from '../../../support/golden-family.ts';

const load = () => familySpec('chinese-clip');

compareWithGolden('chinese-clip', { load });

test('is one file with both towers, reads 52 tokens and squashes images', async () => {
  const { family, visionPath, textPath, text, image } = await load();
  expect(visionPath).toBe(textPath);
  expect({ family, maxTokens: text.maxTokens, resize: image.resize }).toEqual({
    ...{ family: 'chinese-clip', maxTokens: 52, resize: 'squash' },
  });
});

test('each tower runs without the input of the other', async () => {
  const spec = await load();
  const sessions = await loadSessions(spec, 1);
  expect(await sessions.texts([[101, 102]])).toHaveLength(spec.dimensions);
  expect(await sessions.images(new Uint8Array(3 * 224 * 224), 1)).toHaveLength(spec.dimensions);
});

describe('differs from its reference', () => {
  const golden = goldenFamily('chinese-clip');
  test.each<[string, { image?: Partial<ImageRecipe>; text?: Partial<TextRecipe> }]>([
    ['with a crop', { image: { resize: 'crop' } }],
    ['with transparency dropped', { image: { rgb: 'after-resize' } }],
    ['with a mask of ones over the padding', { text: { mask: false } }],
    ['with more tokens', { text: { maxTokens: 77 } }],
  ])('%s', async (_what, { image, text }) => {
    const spec = await load();
    const changed = { ...spec, image: { ...spec.image, ...image }, text: { ...spec.text, ...text } };
    const { images, texts } = await measure(changed, golden);
    const cosines = [
      ...golden.images.map(({ embedding }, at) => dot(embedding, images[at] ?? [])),
      ...golden.texts.map(({ embedding }, at) => dot(embedding, texts[at] ?? [])),
    ];
    expect(Math.min(...cosines)).toBeLessThan(0.99);
  });
});
