import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { bothOf, comparedOutcome, outcomeOf } from './compare.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import { failedWith, type ModelOutcome, type Models, type Pair, type ScoredPairs } from './outcome.ts';
import { isProcessError } from './process-errors.ts';
import { startStages } from './stages.ts';
import { checkText, checkTokens } from './texts.ts';

/** An image of the pairs, embedded by every model from the same bytes. */
interface EmbeddedImage {
  answering: Embedded;
  compared: { spec: ModelSpec; embedded: Promise<Embedded> }[];
  /** True when its runs were counted with an earlier pair. */
  isCounted: boolean;
}

/**
 * Scores pairs concurrently with several models, as batch work. A failed pair is a normal outcome.
 *
 * Compared models embed an image while it holds its place, so that their work cannot pile up.
 * @throws {ServiceError} `model.unavailable`, `overloaded`: errors of this process, not of a pair; the reason of the
 * signal when it aborts.
 */
export async function scorePairs(
  { images, embeddings, places, metrics }: EvaluationParts,
  [answering, ...others]: Models,
  pairs: readonly Pair[],
  { longText, tenant, signal }: EvaluationOptions = {},
): Promise<ScoredPairs> {
  const caller = { interactive: false, tenant, signal };
  const stages = startStages('batch', metrics);
  const bySource = new Map<string, Promise<EmbeddedImage>>();

  /** Downloads and embeds each source once. */
  function embedImage(source: ImageSource): Promise<EmbeddedImage> {
    const key = JSON.stringify(source);
    let image = bySource.get(key);
    if (image === undefined) {
      image = places.hold('batch', caller, async () => {
        const bytes = await stages.fetch(() => images.load(source, caller));
        const compared = others.map((spec) => ({ spec, embedded: embeddings.image(spec, bytes, caller) }));
        const [embedded] = await bothOf(
          embeddings.image(answering, bytes, caller),
          Promise.allSettled(compared.map((other) => other.embedded)),
        );
        stages.embedded(embedded);
        return { answering: embedded, compared, isCounted: false };
      });
      bySource.set(key, image);
    }
    return image;
  }

  async function embedText(text: string): Promise<Embedded> {
    const embedded = await embeddings.text(answering, text, caller);
    stages.embedded(embedded);
    checkTokens(embedded, longText, answering);
    return embedded;
  }

  async function scorePair(pair: Pair): Promise<{ answer: ModelOutcome; compared: Promise<ModelOutcome>[] }> {
    if ('error' in pair)
      return { answer: { outcome: { status: 'failed', error: pair.error }, runs: [] }, compared: [] };
    try {
      checkText(pair.text);
      const [image, text] = await bothOf(embedImage(pair.image), embedText(pair.text));
      const countsImage = !image.isCounted;
      const answer = outcomeOf(image.answering, text, answering, countsImage);
      image.isCounted = true;
      return {
        answer,
        compared: image.compared.map(({ spec, embedded }) =>
          comparedOutcome(embedded, embeddings.text(spec, pair.text, caller), spec, countsImage),
        ),
      };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (isProcessError(error)) throw error;
      return { answer: failedWith(error), compared: [] };
    }
  }

  try {
    const scored = await Promise.all(pairs.map(scorePair));
    return {
      answers: scored.map(({ answer }) => answer),
      compared: others.map(({ model }, at) => ({
        model,
        outcomes: Promise.all(scored.map(({ compared }) => compared[at])),
      })),
    };
  } finally {
    stages.end();
  }
}
