import { readFile } from 'node:fs/promises';
import { z } from 'zod';
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
 * The content of `golden.json` in the folder of a model: the values that the reference implementation computes for a
 * few images and texts.
 */
export const goldenFile = z
  .object({
    /** The program that computed the values, with the versions of its libraries. */
    source: z.string(),
    /** The maximum allowed difference between the cosine of a pair and its golden value, by precision. */
    tolerance: tolerances.prefault({ fp32: 0.002, fp16: 0.01, int8: 0.05 }),
    /** The maximum allowed distance (1 - cosine) of an embedding from its golden value, by precision. */
    embeddingTolerance: tolerances.prefault({ fp32: 1e-4, fp16: 5e-3, int8: 5e-2 }),
    pairs: z
      .array(
        z.object({
          /** The image, as a path relative to the folder. */
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
          /** The token ids of the text, including special tokens. Padding may follow them. */
          ids: z.array(z.int()).optional(),
          embedding,
        }),
      )
      .default([]),
    /** The scale and bias with which the reference model converts a cosine to a probability. */
    probability: z.object({ scale: z.number(), bias: z.number().nullable() }).optional(),
  })
  .refine(({ pairs, images, texts }) => pairs.length + images.length + texts.length > 0, 'the file has no values');
export type GoldenFile = z.output<typeof goldenFile>;

/** Reads golden values. @throws {Error} naming the file and the invalid fields. */
export async function readGoldenFile(path: string): Promise<GoldenFile> {
  const parsed = goldenFile.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * The minimum tolerances on accelerators. Accelerators may multiply with lower precision than a CPU (the mantissa of
 * TF32 has 10 bits).
 */
const acceleratorTolerance = { pairs: 0.005, embeddings: 1e-3 };

/** The maximum allowed differences from golden values, for one precision of a model. */
export interface Allowed {
  /** The maximum difference of the cosine of a pair. */
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
 * Returns true when token ids are equal to those of the reference implementation.
 * @param own the token ids to check, without padding.
 * @param reference the token ids of the reference, possibly with padding. The id and the length of the padding are
 * compared only if the text tower reads its padding.
 */
export function hasSameIds(own: readonly number[], reference: readonly number[], pad: TextRecipe['pad']): boolean {
  if (!own.every((id, at) => reference[at] === id)) return false;
  const [filler, ...others] = reference.slice(own.length);
  if (filler === undefined) return true;
  if (others.some((id) => id !== filler)) return false;
  return pad === 'end' || pad.to === 0 || (filler === pad.id && reference.length === pad.to);
}

/**
 * Returns true when scale and bias of the probability are equal to those of the reference. They differ when a registry
 * entry states other values.
 */
export function hasSameProbability(own: Probability, { scale, bias }: NonNullable<GoldenFile['probability']>): boolean {
  const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(b));
  return isNear(own.scale, scale) && isNear(biasOf(own) ?? 0, bias ?? 0);
}

export const biasOf = (probability: Probability): number | null =>
  probability.kind === 'sigmoid' ? probability.bias : null;

/** Formats scale and bias of the probability as text. */
export const probabilityInWords = (scale: number, bias: number | null): string =>
  `scale ${scale}${bias === null ? '' : `, bias ${bias}`}`;

/** Returns the first 12 token ids as text. */
export const idsInWords = (ids: readonly number[]): string => ids.slice(0, 12).join(' ');

/** Returns the cosine of two embeddings, which need not be normalised. Returns NaN when their dimensions differ. */
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
