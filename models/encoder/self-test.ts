import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type ModelPrecision, type Provider, towersOf } from '../model.ts';

const tolerances = z.partialRecord(z.enum(['fp32', 'fp16', 'int8']), z.number().positive());

/** `golden.json` in a model's folder: pairs with the cosines that the maker of the model computed. */
const goldenFile = z.object({
  /** The software that computed the values. */
  source: z.string(),
  /** Maximum difference of a cosine by precision. */
  tolerance: tolerances.prefault({ fp32: 0.002, fp16: 0.01, int8: 0.05 }),
  pairs: z
    .array(
      z.object({
        /** Path of a file, relative to the folder. */
        image: z.string().regex(/^(?!.*\.\.)[^/\\].*$/, 'a path inside the folder'),
        text: z.string(),
        cosine: z.number().min(-1).max(1),
      }),
    )
    .min(1),
});

/** Accelerators multiply with fewer bits: TF32 has a mantissa of 10. */
const acceleratorTolerance = 0.005;

export interface SelfTestOptions {
  path: string;
  precision: ModelPrecision;
  provider: Provider;
  /** Preprocessed exactly, whatever the setting, so that the values depend only on the model and its configuration. */
  image(bytes: Uint8Array): Promise<Float32Array>;
  text(text: string): Promise<Float32Array>;
}

/**
 * Scores the golden pairs of a model.
 * @returns the number of pairs.
 * @throws {Error} when a cosine differs by more than its tolerance: wrong weights, tokenizer or preprocessing.
 */
export async function selfTest({ path, precision, provider, image, text }: SelfTestOptions): Promise<number> {
  const parsed = goldenFile.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  const { pairs, tolerance } = parsed.data;
  const { vision: visionPrecision, text: textPrecision } = towersOf(precision);
  const stated = Math.max(tolerance[visionPrecision] ?? 0.05, tolerance[textPrecision] ?? 0.05);
  const most = provider === 'cpu' ? stated : Math.max(stated, acceleratorTolerance);
  const embeddings = new Map<string, Float32Array>();
  for (const pair of pairs) {
    const imageEmbedding = embeddings.get(pair.image) ?? (await image(await readFile(join(dirname(path), pair.image))));
    embeddings.set(pair.image, imageEmbedding);
    const textEmbedding = await text(pair.text);
    const cosine = imageEmbedding.reduce((sum, value, at) => sum + value * (textEmbedding[at] ?? Number.NaN), 0);
    // Negated, so that NaN counts as a difference.
    if (!(Math.abs(cosine - pair.cosine) <= most)) {
      throw new Error(
        `the model does not reproduce its golden values: ${pair.image} with "${pair.text}" has the cosine ` +
          `${cosine.toFixed(4)} instead of ${pair.cosine.toFixed(4)} (${most} is allowed at ${precision})`,
      );
    }
  }
  return pairs.length;
}
