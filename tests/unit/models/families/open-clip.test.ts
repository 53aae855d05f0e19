import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ImageRecipe, ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { loadTokenizer } from '../../../../models/texts/tokenizer.ts';
import {
  compareWithGolden,
  dot,
  familyFolder,
  familySpec,
  goldenFamily,
  measure,
} from '../../../support/golden-family.ts';

interface Changes {
  image?: Partial<ImageRecipe>;
  text?: Partial<TextRecipe>;
}
const changed = (spec: ModelSpec, { image, text }: Changes): ModelSpec => ({
  ...spec,
  image: { ...spec.image, ...image },
  text: { ...spec.text, ...text },
});

/** Lowest cosines of the embeddings with those of the reference. */
async function lowest(name: string, changes: Changes): Promise<{ image: number; text: number }> {
  const golden = goldenFamily(name);
  const { images, texts } = await measure(changed(await familySpec(name), changes), golden);
  return {
    image: Math.min(...golden.images.map(({ embedding }, at) => dot(embedding, images[at] ?? []))),
    text: Math.min(...golden.texts.map(({ embedding }, at) => dot(embedding, texts[at] ?? []))),
  };
}

const clipMean = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

describe('mobileclip', () => {
  compareWithGolden('mobileclip', { load: () => familySpec('mobileclip') });

  test('has values from 0 to 1, since its file turns the normalisation off', async () => {
    const { family, image, text } = await familySpec('mobileclip');
    expect({ family, ...image, pad: text.pad }).toMatchObject({
      ...{ family: 'mobileclip', size: 256, resize: 'crop', filter: 'bilinear', pad: { id: 0, to: 77 } },
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
  });

  test.each<[string, Changes]>([
    ["CLIP's mean", { image: clipMean }],
    ['bicubic', { image: { filter: 'bicubic' } }],
    ['squashing', { image: { resize: 'squash' } }],
  ])('has other images with %s', async (_what, changes) => {
    expect((await lowest('mobileclip', changes)).image).toBeLessThan(0.9999);
  });

  test.each<[string, Changes]>([
    ['padded to the longest of a run', { text: { pad: 'end' } }],
    ['padded with the end token', { text: { pad: { id: 49_407, to: 77 } } }],
  ])('has other texts %s', async (_what, changes) => {
    expect((await lowest('mobileclip', changes)).text).toBeLessThan(0.5);
  });

  test('is named by the registry entry where only the configuration of CLIP is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vls-mobileclip-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const file of ['config.json', 'preprocessor_config.json']) {
      cpSync(join(familyFolder('mobileclip'), file), join(folder, file));
    }
    const stated = await readModelFolder(folder, { family: 'mobileclip' });
    const { text, image, family } = await familySpec('mobileclip');
    expect(stated).toMatchObject({ text, image, family });
    expect((await readModelFolder(folder)).family).toBe('clip');
  });
});

describe('pe', () => {
  compareWithGolden('pe', { load: () => familySpec('pe') });

  test('squashes images, and reads 32 tokens', async () => {
    const { family, image, text } = await familySpec('pe');
    expect({ family, resize: image.resize, filter: image.filter, maxTokens: text.maxTokens }).toEqual({
      ...{ family: 'pe', resize: 'squash', filter: 'bilinear', maxTokens: 32 },
    });
  });

  test('has the same facts without the files of transformers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vls-pe-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(join(familyFolder('pe'), 'open_clip_config.json'), join(folder, 'open_clip_config.json'));
    const { text, image, family, dimensions } = await familySpec('pe');
    expect(await readModelFolder(folder)).toMatchObject({ text, image, family, dimensions });
  });

  test.each<[string, Changes]>([
    ["CLIP's mean", { image: clipMean }],
    ['bicubic', { image: { filter: 'bicubic' } }],
    ['a crop', { image: { resize: 'crop' } }],
  ])('has other images with %s', async (_what, changes) => {
    expect((await lowest('pe', changes)).image).toBeLessThan(0.9999);
  });
});

describe('xlm-roberta', () => {
  compareWithGolden('xlm', { load: () => familySpec('xlm') });

  test('reads 77 tokens, though it has 514 positions', async () => {
    const { family, text } = await familySpec('xlm');
    expect({ family, maxTokens: text.maxTokens }).toEqual({ family: 'xlm-roberta', maxTokens: 77 });
  });

  test('has other ids for the text with an emoji joined by U+200D without its model of SentencePiece', async () => {
    const spec = await familySpec('xlm');
    const tokenizerPath = join(familyFolder('xlm'), 'tokenizer.json');
    const tokenizer = await loadTokenizer({
      ...spec,
      tokenizerPath,
      text: { ...spec.text, tokenizer: { kind: 'json' } },
    });
    const differing = goldenFamily('xlm').texts.flatMap(({ text, input_ids: ids }, at) =>
      tokenizer.encode(text).ids.every((id, position) => id === ids[position]) ? [] : [at],
    );
    expect(differing).toEqual([4]);
  });

  test.each<[string, Changes]>([
    ['in lower case', { text: { clean: 'openclip' } }],
    ['without cleaning', { text: { clean: 'none' } }],
    ['with a mask of ones over the padding', { text: { mask: false } }],
  ])('has other texts %s', async (_what, changes) => {
    expect((await lowest('xlm', changes)).text).toBeLessThan(0.99);
  });
});
