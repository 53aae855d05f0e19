import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import { type Code, ServiceError, toItemError } from '../shared/errors.ts';
import { cosineOf, scoreOf } from './formulas.ts';

/** What one model made of one pair. */
export interface Scored {
  spec: Pick<ModelSpec, 'model'>;
  /** Which pair, or which text of a single image. */
  at: number;
  outcome: { cosine: number } | { code: Code };
  /** What its towers computed for it now: nothing for what was cached, or has been told with another pair. */
  runs: { input: 'image' | 'text'; ms: number; inputs: number }[];
}

export type Listener = (scored: Scored) => void;

/** Embeddings whose run has been told: an image with many texts was in one run, and not in one for each of them. */
const told = new WeakSet<Embedded>();

/** Compares two embeddings, and tells whoever listens. */
export function tell(
  spec: ModelSpec,
  at: number,
  picture: Embedded,
  sentence: Embedded | undefined,
  onScored?: Listener,
): { score: number; cosine: number } {
  const scored = compare(picture, sentence);
  const runs = [picture, ...(sentence === undefined ? [] : [sentence])].flatMap((embedded) => {
    const { began, inferenceMs, runInputs, tokens } = embedded;
    if (began === undefined || told.has(embedded)) return [];
    told.add(embedded);
    return [{ input: tokens === 0 ? ('image' as const) : ('text' as const), ms: inferenceMs, inputs: runInputs }];
  });
  onScored?.({ spec, at, outcome: { cosine: scored.cosine }, runs });
  return scored;
}

/** The same of a model that does not answer: what goes wrong is told too, and is nobody's failure. */
export async function tellLater(
  spec: ModelSpec,
  at: number,
  picture: Promise<Embedded> | undefined,
  sentence: Promise<Embedded>,
  onScored?: Listener,
): Promise<void> {
  try {
    if (picture !== undefined) tell(spec, at, ...(await bothOf(picture, sentence)), onScored);
  } catch (error) {
    onScored?.({ spec, at, outcome: { code: toItemError(error).code }, runs: [] });
  }
}

/**
 * Both values, and no failure before both have ended: with mass failures of images, texts that are still to be embedded
 * for pairs that are done would pile up (300 MB after 120,000 pairs).
 */
export async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

export function compare(picture: Embedded, sentence: Embedded | undefined): { score: number; cosine: number } {
  if (sentence === undefined) throw new Error('A text was given without its embedding');
  const cosine = cosineOf(picture.embedding, sentence.embedding);
  if (!Number.isFinite(cosine))
    throw new ServiceError('internal', 'The model gave an embedding that is no vector of numbers');
  return { score: scoreOf(cosine), cosine };
}

export const warningsOf = (...embedded: Embedded[]): string[] => [
  ...new Set(
    embedded.flatMap(({ tokens, totalTokens }) =>
      totalTokens > tokens ? [`text truncated: the model reads ${tokens} of at least ${totalTokens} tokens`] : [],
    ),
  ),
];
