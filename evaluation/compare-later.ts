import type { ModelSpec } from '../models/model.ts';
import { comparedOutcome } from './compare.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import type { ComparedModel, ModelOutcome } from './outcome.ts';

/**
 * Scores the image of an interactive request with additional models after the response, as batch work. The scores are
 * only compared.
 */
export type CompareLater = (
  others: readonly ModelSpec[],
  image: Uint8Array,
  texts: readonly string[],
  tenant: string | undefined,
) => ComparedModel[];

/**
 * The maximum number of images that wait for the additional models. Further images are not compared, to limit memory.
 */
const mostImages = 16;

export function createCompareLater(embeddings: EmbeddingCache): CompareLater {
  let inFlight = 0;

  async function score(
    spec: ModelSpec,
    image: Uint8Array,
    texts: readonly string[],
    tenant: string | undefined,
  ): Promise<ModelOutcome[]> {
    if (inFlight >= mostImages) return [];
    inFlight++;
    const caller = { interactive: false, tenant };
    const embedded = embeddings.image(spec, image, caller);
    const outcomes = texts.map((text, at) =>
      comparedOutcome(embedded, embeddings.text(spec, text, caller), spec, at === 0),
    );
    return await Promise.all(outcomes).finally(() => inFlight--);
  }

  return (others, image, texts, tenant) =>
    others.map((spec) => ({ model: spec.model, outcomes: score(spec, image, texts, tenant) }));
}
