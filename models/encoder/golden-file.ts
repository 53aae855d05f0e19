import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { inOurWords } from '../../shared/validation-words.ts';
import {
  type ModelPrecision,
  type Probability,
  type Provider,
  type TextRecipe,
  type TowerPrecision,
  towersOf,
} from '../model.ts';

const tolerances = z.partialRecord(z.enum(['fp32', 'fp16', 'int8']), z.number().positive());
const imagePath = z.string().regex(/^(?!.*\.\.)[^/\\].*$/, 'a path inside the folder');
const embedding = z.array(z.number()).min(1);

/**
 * The content of a model's `golden.json`: values that the reference implementation computed for some images and texts.
 */
export const goldenFile = z
  .object({
    /** The program that computed the values, with the versions of its libraries. */
    source: z.string(),
    /** The maximum difference between the cosine of a pair and its golden value, by precision. */
    tolerance: tolerances.prefault({ fp32: 0.002, fp16: 0.01, int8: 0.05 }),
    /** The maximum distance (1 - cosine) of an embedding from its golden value, by precision. */
    embeddingTolerance: tolerances.prefault({ fp32: 1e-4, fp16: 5e-3, int8: 5e-2 }),
    pairs: z
      .array(
        z.object({
          /** A path relative to the model's folder. */
          image: imagePath,
          text: z.string(),
          cosine: z.number().min(-1).max(1),
        }),
      )
      .default([]),
    images: z.array(z.object({ image: imagePath, embedding })).default([]),
    texts: z
      .array(
        z.object({
          text: z.string(),
          /** Token ids, including special tokens. Padding may follow. */
          ids: z.array(z.int()).optional(),
          embedding,
        }),
      )
      .default([]),
    probability: z.object({ scale: z.number(), bias: z.number().nullable() }).optional(),
  })
  .refine(({ pairs, images, texts }) => pairs.length + images.length + texts.length > 0, 'the file has no values');
export type GoldenFile = z.output<typeof goldenFile>;

/** @throws {Error} naming the file and the invalid fields. */
export async function readGoldenFile(path: string): Promise<GoldenFile> {
  const parsed = goldenFile.safeParse(JSON.parse(await readFile(path, 'utf8')), { error: inOurWords });
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * The minimum tolerances on accelerators, which may multiply with less precision (the mantissa of TF32 has 10 bits).
 */
const acceleratorTolerance = { pairs: 0.005, embeddings: 1e-3 };

export interface Allowed {
  cosine: number;
  /** The maximum distance (1 - cosine) of an embedding. */
  image: number;
  text: number;
}

export function allowedBy(golden: GoldenFile, precision: ModelPrecision, provider: Provider): Allowed {
  const { vision, text } = towersOf(precision);
  const onDevice = (value: number, least: number) => (provider === 'cpu' ? value : Math.max(value, least));
  const { tolerance, embeddingTolerance } = golden;
  const of = (tolerances: GoldenFile['tolerance'], each: TowerPrecision) =>
    tolerances[each === 'int8-rows-1' ? 'int8' : each] ?? 0.05;
  const cosine = Math.max(of(tolerance, vision), of(tolerance, text));
  return {
    cosine: onDevice(cosine, acceleratorTolerance.pairs),
    image: onDevice(of(embeddingTolerance, vision), acceleratorTolerance.embeddings),
    text: onDevice(of(embeddingTolerance, text), acceleratorTolerance.embeddings),
  };
}

/**
 * Returns true when token ids equal those of the reference.
 * @param own token ids without padding.
 * @param reference token ids, possibly with padding. The padding is compared only if it affects embeddings.
 */
export function hasSameIds(own: readonly number[], reference: readonly number[], pad: TextRecipe['pad']): boolean {
  if (!own.every((id, at) => reference[at] === id)) return false;
  const [filler, ...others] = reference.slice(own.length);
  if (filler === undefined) return true;
  if (others.some((id) => id !== filler)) return false;
  return pad === 'end' || pad.to === 0 || (filler === pad.id && reference.length === pad.to);
}

/** A registry entry may state another scale or bias than the reference. */
export function hasSameProbability(own: Probability, { scale, bias }: NonNullable<GoldenFile['probability']>): boolean {
  const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(b));
  return isNear(own.scale, scale) && isNear(biasOf(own) ?? 0, bias ?? 0);
}

export const biasOf = (probability: Probability): number | null =>
  probability.kind === 'sigmoid' ? probability.bias : null;

export const probabilityInWords = (scale: number, bias: number | null): string =>
  `scale ${scale}${bias === null ? '' : `, bias ${bias}`}`;

export const idsInWords = (ids: readonly number[]): string => ids.slice(0, 12).join(' ');

/** Returns the cosine of two embeddings of any norm; NaN when their dimensions differ. */
export function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let [dot, first, second] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [left, right] = [a[at] ?? 0, b[at] ?? 0];
    dot += left * right;
    first += left * left;
    second += right * right;
  }
  return dot / Math.sqrt(first * second);
}
