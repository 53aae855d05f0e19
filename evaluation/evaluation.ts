import pLimit from 'p-limit';
import type { ImageLoader } from '../images/loader.ts';
import type { Embedded } from '../models/evaluator/protocol.ts';
import { type ModelSpec, recipeOf } from '../models/model.ts';
import { type ImageSource, type LongText, maxTextLength, type Receipt } from '../shared/contracts/item.ts';
import type { Timings } from '../shared/contracts/single.ts';
import { type Code, type ItemError, ServiceError, toItemError } from '../shared/errors.ts';
import type { Metrics } from '../shared/metrics.ts';
import { traceId } from '../shared/telemetry/spans.ts';
import type { Embedder } from './embedder.ts';
import { cosineOf, scoreOf } from './score.ts';
import { type Stages, startStages } from './stages.ts';

/** One image against several texts. */
export interface Scores {
  /** In the order of the texts. */
  results: { text: string; score: number; cosine: number }[];
  receipt: Receipt;
  timings: Timings;
}

/** Several images against one text. */
export interface ImageScores extends Pick<Scores, 'receipt' | 'timings'> {
  results: { index: number; score: number; cosine: number }[];
  failures: { index: number; error: ItemError }[];
}

export type Embeddable = { text: string } | { image: ImageSource };

/** What became of a pair. */
export type Outcome =
  | { status: 'succeeded'; score: number; cosine: number; warnings?: string[] }
  | { status: 'failed'; error: ItemError };

/** A pair to evaluate, or the fault that intake already found in it. */
export type Pair = { image: ImageSource; text: string } | { error: ItemError };

/** From an image source and texts to scores: what the API, the workers and the offline command line share. */
export interface Evaluation {
  /**
   * Scores one image, given by source or as bytes, against texts; before all batch work.
   * @throws {ServiceError} the code of the image's, a text's or the model's fault.
   */
  score(spec: ModelSpec, image: ImageSource | Uint8Array, texts: readonly string[], options?: Options): Promise<Scores>;
  /**
   * Scores several images against one text; before all batch work. An image that fails is told apart from the others.
   * @throws {ServiceError} the code of the text's or the model's fault, or of the image's when all have failed.
   */
  scoreImages(spec: ModelSpec, images: readonly ImageSource[], text: string, options?: Options): Promise<ImageScores>;
  /**
   * Embeddings, in the order of the inputs; before all batch work.
   * @throws {ServiceError} the code of the first input that fails.
   */
  embed(spec: ModelSpec, inputs: readonly Embeddable[], options?: Options): Promise<Embedded[]>;
  /**
   * Evaluates pairs concurrently; a pair that fails is an outcome like any other.
   * Once `signal` is aborted, no further pair is begun, and the call fails with the signal's reason.
   * @throws {ServiceError} `model.unavailable` or `overloaded`: a fault of this process, not of a pair.
   */
  evaluate(spec: ModelSpec, pairs: readonly Pair[], options?: Options): Promise<Outcome[]>;
}

export interface Options {
  /** What becomes of a text with more tokens than the model reads: cut off with a warning, or `text.too_long`. */
  longText?: LongText | undefined;
  signal?: AbortSignal | undefined;
}

/** Texts of one request that wait for an evaluator at a time: a thousand of them must not shut others out. */
const textsInHand = 32;

/** Codes that say something about this process and nothing about the pair. */
const processFaults = new Set<Code>(['model.unavailable', 'overloaded']);

export interface EvaluationDeps {
  images: ImageLoader;
  embedder: Embedder;
  /** Pairs in hand between the start of their download and their embedding; bounds memory. */
  concurrency: number;
  metrics?: Metrics | undefined;
}

export function createEvaluation({ images, embedder, concurrency, metrics }: EvaluationDeps): Evaluation {
  const inHand = pLimit(concurrency);

  async function embedImage(spec: ModelSpec, source: ImageSource, stages: Stages, { signal }: Options) {
    const bytes = await stages.fetch(() => images.load(source, signal));
    const embedded = await embedder.image(spec, bytes, true);
    stages.embedded(embedded);
    return embedded;
  }

  /** Embeds the texts of one request; what has not begun is dropped with the first that fails, or with the client. */
  async function embedTexts(
    spec: ModelSpec,
    texts: readonly string[],
    stages: Stages,
    options: Options,
  ): Promise<Embedded[]> {
    const limit = pLimit(textsInHand);
    try {
      return await Promise.all(
        texts.map((text) =>
          limit(async () => {
            options.signal?.throwIfAborted();
            return await embedText(spec, text, true, stages, options);
          }),
        ),
      );
    } finally {
      limit.clearQueue();
    }
  }

  async function embedText(
    spec: ModelSpec,
    text: string,
    interactive: boolean,
    stages: Stages,
    { longText }: Options,
  ): Promise<Embedded> {
    const embedded = await embedder.text(spec, text, interactive);
    stages.embedded(embedded);
    const { tokens, totalTokens } = embedded;
    if (longText === 'error' && totalTokens > tokens) {
      throw new ServiceError(
        'text.too_long',
        `The text has ${totalTokens} tokens, more than the ${tokens} that ${spec.model} reads`,
      );
    }
    return embedded;
  }

  return {
    async score(spec, image, texts, options = {}) {
      const start = performance.now();
      for (const text of texts) checkText(text);
      const stages = startStages('single', metrics);
      try {
        // The texts are embedded while the image is on its way.
        const textsEmbedded = embedTexts(spec, texts, stages, options);
        textsEmbedded.catch(() => {});
        const isGiven = image instanceof Uint8Array;
        const bytes = isGiven ? image : await stages.fetch(() => images.load(image, options.signal));
        const fetchMs = isGiven ? 0 : performance.now() - start;
        const picture = await embedder.image(spec, bytes, true);
        stages.embedded(picture);
        const sentences = await textsEmbedded;
        const slowestText = Math.max(...sentences.map((sentence) => sentence.inferenceMs));
        return {
          results: texts.map((text, at) => ({ text, ...compare(picture, sentences[at]) })),
          receipt: receiptWith(spec, picture, ...sentences),
          timings: {
            fetchMs: milliseconds(fetchMs),
            decodeMs: milliseconds(picture.decodeMs),
            inferenceMs: milliseconds(picture.inferenceMs + slowestText),
            totalMs: milliseconds(performance.now() - start),
          },
        };
      } finally {
        stages.end();
      }
    },

    async scoreImages(spec, sources, text, options = {}) {
      const start = performance.now();
      checkText(text);
      const stages = startStages('single', metrics);
      const sentence = await embedText(spec, text, true, stages, options);
      const loaded = await Promise.all(
        sources.map(async (source): Promise<{ picture: Embedded } | { error: unknown }> => {
          try {
            return { picture: await inHand(() => embedImage(spec, source, stages, options)) };
          } catch (error) {
            return { error };
          }
        }),
      );
      stages.end();
      const results: ImageScores['results'] = [];
      const failures: ImageScores['failures'] = [];
      const pictures: Embedded[] = [];
      for (const [index, outcome] of loaded.entries()) {
        if ('picture' in outcome) {
          pictures.push(outcome.picture);
          results.push({ index, ...compare(outcome.picture, sentence) });
        } else if (outcome.error instanceof ServiceError && processFaults.has(outcome.error.code)) throw outcome.error;
        else failures.push({ index, error: toItemError(outcome.error) });
      }
      const [first] = loaded;
      if (results.length === 0 && first !== undefined && 'error' in first) throw first.error;
      const slowest = (part: (picture: Embedded) => number) => Math.max(0, ...pictures.map(part));
      return {
        results,
        failures,
        receipt: receiptWith(spec, sentence, ...pictures),
        timings: {
          fetchMs: 0,
          decodeMs: milliseconds(slowest(({ decodeMs }) => decodeMs)),
          inferenceMs: milliseconds(sentence.inferenceMs + slowest(({ inferenceMs }) => inferenceMs)),
          totalMs: milliseconds(performance.now() - start),
        },
      };
    },

    async embed(spec, inputs, options = {}) {
      for (const input of inputs) if ('text' in input) checkText(input.text);
      const limit = pLimit(textsInHand);
      const stages = startStages('single', metrics);
      try {
        return await Promise.all(
          inputs.map((input) =>
            'text' in input
              ? limit(() => embedText(spec, input.text, true, stages, options))
              : inHand(() => embedImage(spec, input.image, stages, options)),
          ),
        );
      } finally {
        stages.end();
      }
    },

    async evaluate(spec, pairs, options = {}) {
      const { signal } = options;
      // The same source twice in one chunk is downloaded once.
      const pictures = new Map<string, Promise<Embedded>>();
      const stages = startStages('batch', metrics);
      const embedOnce = (source: ImageSource) => {
        const key = JSON.stringify(source);
        let picture = pictures.get(key);
        if (picture === undefined) {
          picture = inHand(async () => {
            signal?.throwIfAborted();
            const bytes = await stages.fetch(() => images.load(source));
            const embedded = await embedder.image(spec, bytes, false);
            stages.embedded(embedded);
            return embedded;
          });
          pictures.set(key, picture);
        }
        return picture;
      };
      const evaluatePair = async (pair: Pair): Promise<Outcome> => {
        if ('error' in pair) return { status: 'failed', error: pair.error };
        try {
          checkText(pair.text);
          const [picture, sentence] = await bothOf(
            embedOnce(pair.image),
            embedText(spec, pair.text, false, stages, options),
          );
          const warnings = warningsOf(picture, sentence);
          return { status: 'succeeded', ...compare(picture, sentence), ...(warnings.length > 0 && { warnings }) };
        } catch (error) {
          if (error instanceof ServiceError && processFaults.has(error.code)) throw error;
          return { status: 'failed', error: toItemError(error) };
        }
      };
      try {
        return await Promise.all(pairs.map(evaluatePair));
      } finally {
        stages.end();
      }
    },
  };
}

/**
 * Both values, and no failure before both have ended: with mass failures of images, texts that are still to be embedded
 * for pairs that are done would pile up (300 MB after 120,000 pairs).
 */
async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

/** What produced the scores of a model here. */
export const receiptOf = (spec: ModelSpec): Omit<Receipt, 'warnings'> => ({
  ...recipeOf(spec),
  provider: spec.provider,
});

/** The same with what was noticed on the way, and where its trace is found. */
function receiptWith(spec: ModelSpec, ...embedded: Embedded[]): Receipt {
  const id = traceId();
  return { ...receiptOf(spec), warnings: warningsOf(...embedded), ...(id !== undefined && { traceId: id }) };
}

function checkText(text: string): void {
  if (text.trim() === '') throw new ServiceError('text.empty', 'The text is empty');
  if (text.length > maxTextLength) {
    throw new ServiceError('text.too_long', `The text has ${text.length} characters, more than ${maxTextLength}`);
  }
}

function compare(picture: Embedded, sentence: Embedded | undefined): { score: number; cosine: number } {
  if (sentence === undefined) throw new Error('A text was given without its embedding');
  const cosine = cosineOf(picture.embedding, sentence.embedding);
  if (!Number.isFinite(cosine))
    throw new ServiceError('internal', 'The model gave an embedding that is no vector of numbers');
  return { score: scoreOf(cosine), cosine };
}

const warningsOf = (...embedded: Embedded[]): string[] => [
  ...new Set(
    embedded.flatMap(({ tokens, totalTokens }) =>
      totalTokens > tokens ? [`text truncated: ${totalTokens} tokens, the model reads ${tokens} of them`] : [],
    ),
  ),
];

const milliseconds = (value: number): number => Math.round(value * 10) / 10;
