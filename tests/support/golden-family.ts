import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { probabilitiesOf } from '../../evaluation/formulas.ts';
import { loadTowers, type Towers } from '../../models/encoder/towers.ts';
import type { StatedFacts } from '../../models/families/family.ts';
import type { ModelSpec } from '../../models/model.ts';
import { crop } from '../../models/pixels/preprocess.ts';
import { readModelFolder } from '../../models/registry/folder.ts';
import { paddedLength, padIds } from '../../models/texts/padding.ts';
import { loadTokenizer, type Tokenizer } from '../../models/texts/tokenizer.ts';
import { goldenImage, specOf } from '../../testing/model-folders.ts';

/** Results of the reference library; see `tests/golden/families/README.md`. */
export interface GoldenFamily {
  preprocess: { size: number };
  images: { file: string; crop_sha256: string; pixels: number[]; embedding: number[] }[];
  texts: {
    text: string;
    input_ids: number[];
    attention_mask?: number[];
    embedding: number[];
    other_ids?: Record<string, number[]>;
  }[];
  /** A row for each image, a column for each text. */
  cosine: number[][];
  probability: number[][];
  /** The values of ONNX Runtime with graphs of float16, where there are some. */
  fp16?: { images: number[][]; texts: number[][]; cosine: number[][] };
}

/** Scale and bias of the models of SigLIP, which stand in no file. */
export const sigmoids = {
  siglip: { logitScale: 117.33081817626953, logitBias: -12.9324369430542 },
  siglip2: { logitScale: 112.66889953613281, logitBias: -16.771724700927734 },
};

export const familyFolder = (name: string): string =>
  fileURLToPath(new URL(`../golden/families/${name}`, import.meta.url));

export const goldenFamily = (name: string): GoldenFamily =>
  JSON.parse(readFileSync(`${familyFolder(name)}/expected.json`, 'utf8'));

/** A spec of the folder, as the registry would make it. */
export const familySpec = async (name: string, stated: StatedFacts = {}): Promise<ModelSpec> => {
  const clip = await specOf(familyFolder('../clip/tiny-clip'));
  const spec = { ...clip, ...(await readModelFolder(familyFolder(name), stated)) };
  // The vocabulary of CLIP lies in one folder for all of them.
  return existsSync(spec.tokenizerPath) ? spec : { ...spec, tokenizerPath: clip.tokenizerPath };
};

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, at) => sum + value * (b[at] ?? Number.NaN), 0);

const crops = new Map<string, Promise<Uint8Array>>();

/** The crop of a golden image by the recipe of a model. Each is made once, since most tests change another step. */
export function cropFor({ image: recipe }: ModelSpec, file: string): Promise<Uint8Array> {
  const key = `${file} ${recipe.size} ${recipe.resize} ${recipe.filter} ${recipe.rgb}`;
  const known = crops.get(key) ?? crop(goldenImage(file), { recipe, maxPixels: 50_000_000, mode: 'exact' });
  crops.set(key, known);
  return known;
}

/** Largest distance of two tables. */
const worst = (a: readonly number[][], b: readonly number[][]): number =>
  Math.max(...a.flatMap((row, at) => row.map((value, column) => Math.abs(value - (b[at]?.[column] ?? Number.NaN)))));

/** Results of a model for the golden images and texts. */
export interface Measured {
  spec: ModelSpec;
  tokenizer: Tokenizer;
  towers: Towers;
  images: Float32Array[];
  texts: Float32Array[];
}

export async function measure(spec: ModelSpec, { images, texts }: GoldenFamily): Promise<Measured> {
  const [towers, tokenizer] = await Promise.all([loadTowers(spec, 1), loadTokenizer(spec)]);
  const crops = await Promise.all(images.map(({ file }) => cropFor(spec, file)));
  return {
    spec,
    tokenizer,
    towers,
    images: await towers.images(crops),
    texts: await towers.texts(texts.map(({ text }) => tokenizer.encode(text).ids)),
  };
}

/** Ids and mask of one text, padded as in a run with a fixed length. */
export function padded({ text: recipe }: ModelSpec, ids: readonly number[], length: number) {
  const fixed = recipe.pad === 'end' || recipe.pad.to === 0 ? length : undefined;
  return padIds([ids], recipe, paddedLength([ids], recipe, { fixed }));
}

const embeddingsOf = ({ images, texts, cosine }: GoldenFamily) => ({
  images: images.map(({ embedding }) => embedding),
  texts: texts.map(({ embedding }) => embedding),
  cosine,
});

export interface GoldenOptions {
  load(): Promise<ModelSpec>;
  /** Largest distance of a cosine. */
  cosine?: number;
  probability?: number;
  /** Compares with the values of float16 graphs. */
  half?: boolean;
}

/** Compares crops, ids, embeddings, cosines and probabilities of a family with those of its reference. */
export function compareWithGolden(name: string, options: GoldenOptions): void {
  const golden = goldenFamily(name);
  const { cosine = 1e-4, probability = 1e-3, half = false } = options;
  const expected = half ? golden.fp16 : embeddingsOf(golden);
  if (expected === undefined) throw new Error(`${name} has no values of float16`);
  let measured: Measured;
  beforeAll(async () => {
    measured = await measure(await options.load(), golden);
  });

  describe('has the values of its reference', () => {
    test.each(golden.images)('for the pixels of $file', async ({ file, crop_sha256: sha, pixels }) => {
      const { image } = measured.spec;
      const bytes = await cropFor(measured.spec, file);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha);
      const values = pixels.map((_, at) => ((bytes[3 * at] ?? 0) / 255 - image.mean[0]) / image.std[0]);
      for (const [at, value] of pixels.entries()) expect(values[at]).toBeCloseTo(value, 4);
    });

    test.each(golden.texts)('for the ids of $text', ({ text, input_ids: ids, attention_mask: mask }) => {
      const { spec, tokenizer } = measured;
      const encoded = tokenizer.encode(text).ids;
      const given = padded(spec, encoded, ids.length);
      expect(given.ids).toEqual(ids);
      if (mask) expect(given.mask).toEqual(mask);
    });

    test('for the embeddings', () => {
      for (const kind of ['images', 'texts'] as const) {
        for (const [at, embedding] of expected[kind].entries()) {
          expect(dot(measured[kind][at] ?? [], embedding)).toBeGreaterThan(1 - cosine);
        }
      }
    });

    test('for cosines and probabilities', () => {
      const cosines = measured.images.map((image) => measured.texts.map((text) => dot(image, text)));
      expect(worst(cosines, expected.cosine)).toBeLessThan(cosine);
      expect(
        worst(
          cosines.map((row) => probabilitiesOf(row, measured.spec.probability)),
          half ? expected.cosine.map((row) => probabilitiesOf(row, measured.spec.probability)) : golden.probability,
        ),
      ).toBeLessThan(probability);
    });

    test('for each text alone, whatever stands in the same run', async () => {
      const { towers, tokenizer, texts } = measured;
      for (const at of [0, 10]) {
        const [alone] = await towers.texts([tokenizer.encode(golden.texts[at]?.text ?? '').ids]);
        expect(dot(alone ?? [], texts[at] ?? [])).toBeGreaterThan(1 - 1e-5);
      }
    });
  });
}
