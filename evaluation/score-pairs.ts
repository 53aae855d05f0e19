import type { Embedded } from '../models/encoder/protocol.ts';
import { type ModelSpec, modelKey } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { EmbeddedImage } from './batch-memory.ts';
import { bothOf, comparedOutcome, outcomeOf } from './compare.ts';
import { contentHashOf, withoutTimes } from './embedding-cache.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import { failedWith, type ModelOutcome, type Models, type Pair, type ScoredPairs } from './outcome.ts';
import { isProcessError } from './process-errors.ts';
import { startStages } from './stages.ts';
import { checkText, checkTokens } from './texts.ts';

/**
 * Scores many pairs at once with several models, as batch work. A failed pair does not stop the others. An image counts
 * against the memory limit until all models have embedded it.
 * @throws {ServiceError} `model.unavailable`, `overloaded`: errors of this process, which no single pair has caused.
 * Throws the reason of the signal when it aborts.
 */
export async function scorePairs(
  { images, embeddings, places, metrics, memories }: EvaluationParts,
  [answering, ...others]: Models,
  pairs: readonly Pair[],
  { longText, tenant, signal, batchId, onScored }: EvaluationOptions = {},
): Promise<ScoredPairs> {
  const caller = { interactive: false, tenant, signal };
  const stages = startStages('batch', metrics);
  const memory = memories.of(batchId);
  const modelKeys = [answering, ...others].map(modelKey).join(' ');

  /** Pairs with the same image share one download, and one embedding for each model. */
  async function embedImage(source: ImageSource): Promise<EmbeddedImage> {
    const embed = async (ending: AbortSignal): Promise<EmbeddedImage> => {
      const asking = { ...caller, signal: ending };
      return await places.hold('batch', asking, async () => {
        const bytes = await stages.fetch(() => images.load(source, asking));
        const contentHash = contentHashOf(bytes);
        const compared = others.map((spec) => ({ spec, embedded: embeddings.image(spec, bytes, asking, contentHash) }));
        const [embedded] = await bothOf(
          embeddings.image(answering, bytes, asking, contentHash),
          Promise.allSettled(compared.map((other) => other.embedded)),
        );
        stages.embedded(embedded);
        return { answering: embedded, compared, contentHash, isCounted: false };
      });
    };
    return (await memory.once(`image ${modelKeys} ${JSON.stringify(source)}`, embed, signal)).value;
  }

  /** The embedding has start times only when this call has caused its encoder run. */
  async function embedText(spec: ModelSpec, text: string): Promise<Embedded> {
    const { value, isNew } = await memory.once(
      `text ${modelKey(spec)} ${text}`,
      (ending) => embeddings.text(spec, text, { ...caller, signal: ending }),
      signal,
    );
    return isNew ? value : withoutTimes(value);
  }

  async function embedAnsweringText(text: string): Promise<Embedded> {
    const embedded = await embedText(answering, text);
    stages.embedded(embedded);
    checkTokens(embedded, longText, answering);
    return embedded;
  }

  async function scorePair(pair: Pair): Promise<{ answer: ModelOutcome; compared: Promise<ModelOutcome>[] }> {
    if ('error' in pair)
      return { answer: { outcome: { status: 'failed', error: pair.error }, runs: [] }, compared: [] };
    try {
      checkText(pair.text);
      const [image, text] = await bothOf(
        'embedding' in pair ? known(pair.embedding) : embedImage(pair.image),
        embedAnsweringText(pair.text),
      );
      const countsImage = !image.isCounted;
      const answer = outcomeOf(image.answering, text, answering, countsImage);
      image.isCounted = true;
      const { contentHash } = image;
      onScored?.(pair, { image: image.answering.embedding, text: text.embedding, contentHash });
      return {
        answer,
        compared: image.compared.map(({ spec, embedded }) =>
          comparedOutcome(embedded, embedText(spec, pair.text), spec, countsImage),
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

/** Wraps a stored embedding, for which no encoder has to run. */
const known = async (embedding: Float32Array): Promise<EmbeddedImage> => ({
  answering: { embedding, decodeMs: 0, inferenceMs: 0, runInputs: 0, tokens: 0, totalTokens: 0 },
  compared: [],
  contentHash: undefined,
  isCounted: true,
});
