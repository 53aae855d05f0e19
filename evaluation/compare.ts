import type { Embedded, TowerRun } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import { ServiceError } from '../shared/errors.ts';
import { cosineOf, pairProbabilityOf, scoreOf } from './formulas.ts';
import { failedWith, type ModelOutcome } from './outcome.ts';

export interface PairScores {
  score: number;
  cosine: number;
  /** The probability that the text describes the image, independent of other texts. Absent for some families. */
  probability?: number;
}

/**
 * Returns the cosine of the two embeddings of a pair.
 * @throws {ServiceError} `internal` when an embedding has NaN or infinite values.
 */
export function cosineOfPair(left: Embedded, right: Embedded): number {
  const cosine = cosineOf(left.embedding, right.embedding);
  if (!Number.isFinite(cosine))
    throw new ServiceError('internal', 'The model returned an embedding with values that are not finite numbers');
  return cosine;
}

/**
 * Returns the scores of an image and a text. The same model must have embedded both.
 * @throws {ServiceError} as {@link cosineOfPair}.
 */
export function compare(image: Embedded, text: Embedded, model: Pick<ModelSpec, 'probability'>): PairScores {
  const cosine = cosineOfPair(image, text);
  const probability = pairProbabilityOf(cosine, model.probability);
  return { score: scoreOf(cosine), cosine, ...(probability !== undefined && { probability }) };
}

/**
 * Waits for two embeddings and returns the outcome of the pair. An error becomes an outcome: an additional model must
 * not fail a request.
 */
export async function comparedOutcome(
  image: Promise<Embedded>,
  text: Promise<Embedded>,
  model: Pick<ModelSpec, 'probability'>,
  countsImage: boolean,
): Promise<ModelOutcome> {
  try {
    const [embeddedImage, embeddedText] = await bothOf(image, text);
    return outcomeOf(embeddedImage, embeddedText, model, countsImage);
  } catch (error) {
    return failedWith(error);
  }
}

/**
 * @param countsImage true to count the encoder run of the image, which all texts of an image share.
 * @throws {ServiceError} as {@link compare}.
 */
export function outcomeOf(
  image: Embedded,
  text: Embedded,
  model: Pick<ModelSpec, 'probability'>,
  countsImage: boolean,
): ModelOutcome {
  const scores = compare(image, text, model);
  const warnings = warningsOf(image, text);
  return {
    outcome: { status: 'succeeded', ...scores, ...(warnings.length > 0 && { warnings }) },
    runs: runsOf(...(countsImage ? [image] : []), text),
  };
}

/** Returns the encoder runs of these embeddings. Cached embeddings have none. */
export const runsOf = (...embedded: Embedded[]): TowerRun[] =>
  embedded.flatMap(({ began, inferenceMs, runInputs, tokens }) =>
    began === undefined
      ? []
      : [{ input: tokens === 0 ? 'image' : 'text', inputs: runInputs, milliseconds: inferenceMs }],
  );

/**
 * Waits for both values, even if one fails. Otherwise, when many images failed at once, texts of finished pairs would
 * fill the memory (300 MB after 120,000 pairs).
 */
export async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

export const warningsOf = (...embedded: Embedded[]): string[] => [
  ...new Set(
    embedded.flatMap(({ tokens, totalTokens }) =>
      totalTokens > tokens ? [`text truncated: the model reads ${tokens} of at least ${totalTokens} tokens`] : [],
    ),
  ),
];
