import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadTowers } from '../../../../models/encoder/towers.ts';
import type { ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { loadTokenizer } from '../../../../models/texts/tokenizer.ts';
import { goldenImage } from '../../../../testing/model-folders.ts';
import {
  cropFor,
  dot,
  familyFolder,
  familySpec,
  goldenFamily,
  measure,
  sigmoids,
} from '../../../support/golden-family.ts';

// The tests of each family have the traps of its recipe; these are the traps of single images, texts and files.

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const withText = (spec: ModelSpec, text: Partial<TextRecipe>): ModelSpec => ({
  ...spec,
  text: { ...spec.text, ...text },
});

/** Texts whose ids are not those of the reference, by their place. */
async function differing(name: string, spec: ModelSpec): Promise<number[]> {
  const tokenizer = await loadTokenizer(spec);
  return goldenFamily(name).texts.flatMap(({ text, input_ids: reference }, at) =>
    tokenizer.encode(text).ids.every((id, position) => id === reference[position]) ? [] : [at],
  );
}

describe('an image', () => {
  const { images } = goldenFamily('siglip');
  const hashOf = (file: string) => images.find((image) => image.file === file)?.crop_sha256;

  test.each(['coffee-palette.png', 'coffee-rgba.png'])(
    '%s has other pixels for SigLIP when it becomes RGB after the resize',
    async (file) => {
      const spec = await familySpec('siglip', sigmoids.siglip);
      expect(sha256(await cropFor(spec, file))).toBe(hashOf(file));
      const late = { ...spec, image: { ...spec.image, rgb: 'after-resize' } } as const;
      expect(sha256(await cropFor(late, file))).not.toBe(hashOf(file));
    },
  );

  test('with an EXIF orientation is not turned: turned, it has other pixels', async () => {
    const { image: recipe } = await familySpec('siglip', sigmoids.siglip);
    const file = 'chelsea-exif6.jpg';
    const options = { recipe, maxPixels: 50_000_000, mode: 'exact' } as const;
    const turned = await sharp(goldenImage(file)).rotate().png().toBuffer();
    expect(sha256(await crop(goldenImage(file), options))).toBe(hashOf(file));
    expect(sha256(await crop(turned, options))).not.toBe(hashOf(file));
  });
});

describe('a text', () => {
  test('of SigLIP 2 that is not lowered has the ids that transformers gives by mistake', async () => {
    const spec = withText(await familySpec('siglip2', sigmoids.siglip2), { clean: 'none' });
    const tokenizer = await loadTokenizer(spec);
    const cased = goldenFamily('siglip2').texts.filter(({ other_ids: other }) => other?.['not_lowered']);
    expect(cased.length).toBeGreaterThan(2);
    for (const { text, other_ids: other } of cased) {
      expect(tokenizer.encode(text).ids).toEqual(other?.['not_lowered']);
    }
  });

  test('of SigLIP 2 keeps punctuation, white space and line breaks: cleaned as for SigLIP, ids differ', async () => {
    const spec = await familySpec('siglip2', sigmoids.siglip2);
    expect(await differing('siglip2', spec)).toEqual([]);
    expect(await differing('siglip2', withText(spec, { clean: 'siglip' }))).toEqual(
      expect.arrayContaining([2, 7, 10, 11, 12, 13]),
    );
  });

  test.each([
    ['siglip', sigmoids.siglip],
    ['pe', {}],
    ['mobileclip', {}],
    ['xlm', {}],
  ])('of %s has other ids without cleaning', async (name, entry) => {
    const spec = await familySpec(name, entry);
    expect(await differing(name, spec)).toEqual([]);
    expect((await differing(name, withText(spec, { clean: 'none' }))).length).toBeGreaterThanOrEqual(2);
  });

  test.each([
    ['chinese-clip', 512],
    ['xlm', 514],
  ])(
    'of %s is cut at a limit that no file states: with the positions of its tower ids differ',
    async (name, positions) => {
      const spec = await familySpec(name);
      expect(await differing(name, withText(spec, { maxTokens: positions }))).toContain(9);
    },
  );

  test.each(['\u0344', '\u061c', '\u200d'])('with %j has other ids for SigLIP without SentencePiece', async (mark) => {
    const spec = await familySpec('siglip', sigmoids.siglip);
    const tokenizerPath = join(familyFolder('siglip'), 'tokenizer.json');
    const json = { ...withText(spec, { tokenizer: { kind: 'json' } }), tokenizerPath };
    const text = `a${mark}b cat`;
    const exact = (await loadTokenizer(spec)).encode(text).ids;
    expect((await loadTokenizer(json)).encode(text).ids).not.toEqual(exact);
  });
});

test('a graph does not load without the weights beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vls-weights-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(familyFolder('siglip2'), folder, { recursive: true });
  rmSync(join(folder, 'onnx/text_model.onnx_data'));
  const spec = await familySpec('siglip2', sigmoids.siglip2);
  await expect(loadTowers({ ...spec, textPath: join(folder, 'onnx/text_model.onnx') }, 1)).rejects.toThrow('onnx_data');
});

test('a causal tower gives a text the same embedding, whatever follows its end token', async () => {
  const spec = await familySpec('pe');
  const golden = goldenFamily('pe');
  const texts = golden.texts.slice(0, 3);
  for (const pad of ['end', { id: 0, to: 32 }, { id: 7, to: 32 }] as const) {
    const measured = await measure(withText(spec, { pad }), { ...golden, images: golden.images.slice(0, 1), texts });
    for (const [at, { embedding }] of texts.entries()) {
      expect(dot(measured.texts[at] ?? [], embedding)).toBeGreaterThan(1 - 1e-4);
    }
  }
});
