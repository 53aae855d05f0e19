import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { called } from '../../shared/called.ts';
import type { ModelPrecision, Probability, Provider, TextRecipe } from '../model.ts';
import {
  allowedBy,
  biasOf,
  cosineOf,
  type GoldenFile,
  hasSameIds,
  hasSameProbability,
  idsInWords,
  probabilityInWords,
  readGoldenFile,
} from './golden-file.ts';

export interface SelfTestOptions {
  path: string;
  precision: ModelPrecision;
  provider: Provider;
  /**
   * Embeds an image that is preprocessed in mode `exact`, so that values depend only on the model and its
   * configuration.
   */
  image(bytes: Uint8Array): Promise<Float32Array>;
  text(text: string): Promise<Float32Array>;
  /** Returns token ids without padding. */
  ids(text: string): readonly number[];
  pad: TextRecipe['pad'];
  probability: Probability;
}

/**
 * Compares a model with its golden values.
 * @returns the number of pairs, images and texts that were compared.
 * @throws {Error} when a value exceeds its tolerance. The weights, the tokenizer or the preprocessing may be wrong.
 */
export async function selfTest(options: SelfTestOptions): Promise<number> {
  const { path, precision, provider, image, text } = options;
  const golden = await readGoldenFile(path);
  requireSameProbability(golden, options);
  requireSameIds(golden, options);
  const allowed = allowedBy(golden, precision, provider);
  const images = new Map<string, Promise<Float32Array>>();
  const imageAt = (file: string) => {
    const known = images.get(file) ?? readFile(join(dirname(path), file)).then(image);
    images.set(file, known);
    return known;
  };
  const differs = (what: string, cosine: number, expected: string, most: number) =>
    refusal(`${what} has the cosine ${cosine.toFixed(4)} ${expected} (limit at ${precision}: ${most})`);
  for (const { image: file, text: caption, cosine: known } of golden.pairs) {
    const cosine = cosineOf(await imageAt(file), await text(caption));
    // Unlike `a > b`, `!(a <= b)` is also true for NaN.
    if (!(Math.abs(cosine - known) <= allowed.cosine)) {
      throw differs(`${file} with "${caption}"`, cosine, `instead of ${known.toFixed(4)}`, allowed.cosine);
    }
  }
  const withGolden = 'with its golden embedding';
  for (const { image: file, embedding } of golden.images) {
    const cosine = cosineOf(await imageAt(file), embedding);
    if (!(1 - cosine <= allowed.image)) throw differs(file, cosine, withGolden, allowed.image);
  }
  for (const { text: caption, embedding } of golden.texts) {
    const cosine = cosineOf(await text(caption), embedding);
    if (!(1 - cosine <= allowed.text)) throw differs(`"${caption}"`, cosine, withGolden, allowed.text);
  }
  return golden.pairs.length + golden.images.length + golden.texts.length;
}

const refusal = (difference: string) =>
  new Error(
    `the model does not reproduce its golden values: ${difference}; run \`${called} models check\` to find the cause`,
  );

function requireSameProbability({ probability: known }: GoldenFile, { probability }: SelfTestOptions): void {
  if (known === undefined || hasSameProbability(probability, known)) return;
  const own = probabilityInWords(probability.scale, biasOf(probability));
  throw refusal(`its probability is computed with ${own} instead of ${probabilityInWords(known.scale, known.bias)}`);
}

/**
 * Embeddings do not always reveal a different tokenizer. Two ids instead of one may change a cosine by less than the
 * tolerance.
 */
function requireSameIds({ texts }: GoldenFile, { ids, pad }: SelfTestOptions): void {
  for (const { text, ids: known } of texts) {
    if (known === undefined) continue;
    const own = ids(text);
    if (hasSameIds(own, known, pad)) continue;
    throw refusal(`"${text}" has the token ids ${idsInWords(own)} instead of ${idsInWords(known)}`);
  }
}
