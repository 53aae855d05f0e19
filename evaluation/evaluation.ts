import type { ImageLoader } from '../images/loader.ts';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { Metrics } from '../shared/metrics.ts';
import { answerLines, type Line, type LineOutcome } from './answer-lines.ts';
import { createBatchMemories } from './batch-memory.ts';
import { createCompareLater } from './compare-later.ts';
import { type Embeddable, embedInputs } from './embed-inputs.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import { createImagePlaces } from './image-places.ts';
import type { EvaluationOptions } from './options.ts';
import type { Models, Pair, ScoredPairs } from './outcome.ts';
import { type ImageScores, scoreImages } from './score-images.ts';
import { scorePairs } from './score-pairs.ts';
import { type ScoredTexts, scoreTexts } from './score-texts.ts';

export interface Evaluation {
  scorePairs(models: Models, pairs: readonly Pair[], options?: EvaluationOptions): Promise<ScoredPairs>;
  scoreTexts(
    models: Models,
    image: ImageSource | Uint8Array,
    texts: readonly string[],
    options?: EvaluationOptions,
  ): Promise<ScoredTexts>;
  scoreImages(
    spec: ModelSpec,
    images: readonly ImageSource[],
    text: string,
    options?: EvaluationOptions,
  ): Promise<ImageScores>;
  embed(spec: ModelSpec, inputs: readonly Embeddable[], options?: EvaluationOptions): Promise<Embedded[]>;
  answerLines(spec: ModelSpec, lines: readonly Line[], options?: EvaluationOptions): Promise<LineOutcome[]>;
}

export interface EvaluationDeps {
  images: ImageLoader;
  embeddings: EmbeddingCache;
  /**
   * The maximum number of batch items that are being downloaded or embedded. Interactive requests have their own
   * maximum, which is four times this number.
   */
  concurrency: number;
  metrics?: Metrics | undefined;
}

export function createEvaluation({ images, embeddings, concurrency, metrics }: EvaluationDeps): Evaluation {
  const parts = {
    images,
    embeddings,
    places: createImagePlaces(concurrency),
    metrics,
    memories: createBatchMemories(),
  };
  const compareLater = createCompareLater(embeddings);
  return {
    scorePairs: (models, pairs, options) => scorePairs(parts, models, pairs, options),
    scoreTexts: (models, image, texts, options) => scoreTexts(parts, compareLater, models, image, texts, options),
    scoreImages: (spec, sources, text, options) => scoreImages(parts, spec, sources, text, options),
    embed: (spec, inputs, options) => embedInputs(parts, spec, inputs, options),
    answerLines: (spec, lines, options) => answerLines(parts, spec, lines, options),
  };
}
