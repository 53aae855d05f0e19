import pLimit from 'p-limit';
import type { ImageLoader } from '../images/loader.ts';
import type { Embedded } from '../models/encoder/protocol.ts';
import { type ModelSpec, recipeOf } from '../models/model.ts';
import { type ImageSource, type LongText, maxTextLength, type Receipt } from '../shared/contracts/item.ts';
import type { Timings } from '../shared/contracts/single.ts';
import { type Code, type ItemError, ServiceError, toItemError } from '../shared/errors.ts';
import { createFairPlaces } from '../shared/fair-places.ts';
import type { Metrics, Mode } from '../shared/metrics.ts';
import { traceId } from '../shared/telemetry/spans.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import { bothOf, compare, type Listener, tell, tellLater, warningsOf } from './scored.ts';
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
   * Once `signal` is aborted, what is in flight is aborted, and the call fails with the signal's reason.
   * @throws {ServiceError} `model.unavailable` or `overloaded`: a fault of this process, not of a pair.
   */
  evaluate(spec: ModelSpec, pairs: readonly Pair[], options?: Options): Promise<Outcome[]>;
}

export interface Options {
  /** What becomes of a text with more tokens than the model reads: cut off with a warning, or `text.too_long`. */
  longText?: LongText | undefined;
  /**
   * On whose behalf: downloads, decoding and encoding are shared fairly between tenants. Without a name, callers count
   * as one tenant.
   */
  tenant?: string | undefined;
  /** Ends what is in flight for the caller: the waiting for a place, the download, the task of an encoder. */
  signal?: AbortSignal | undefined;
  /** Batch of the pairs; stored with those that a comparison of models quotes, so that they go with the batch. */
  batchId?: string | undefined;
  /** Models that score the same pairs besides the one that answers. Whatever becomes of that, the answer stays. */
  beside?: readonly ModelSpec[];
  /** Told of every pair that a model has scored or could not score, the one that answers included. */
  onScored?: Listener;
}

/**
 * Places of interactive requests for each of batches: an image that takes a second to download keeps its place for that
 * long, and hundreds of requests are at their hosts then.
 */
const singlesPerBatchPlace = 4;

/** Pictures of single requests that other models score besides; beyond this many, the next ones are not compared. */
const besideInHand = 16;

/** Texts of one request that wait for an encoder at a time: a thousand of them must not shut others out. */
const textsInHand = 32;

/** Codes that say something about this process and nothing about the pair. */
const processFaults = new Set<Code>(['model.unavailable', 'overloaded']);

export interface EvaluationDeps {
  images: ImageLoader;
  embeddings: EmbeddingCache;
  /**
   * Images of batches between the start of their download and their embedding; bounds memory. Tenants share these places
   * fairly. Interactive requests have four times as many, and share them likewise.
   */
  concurrency: number;
  metrics?: Metrics | undefined;
}

/**
 * Options of which `end` aborts what is in flight, with the first part of a request that fails. A request with one bad
 * input and 999 images of slow hosts was answered at once, no longer counted, and left its downloads behind.
 */
function endingWith(asked: Options): { options: Options; end: () => void } {
  const ended = new AbortController();
  const signal = asked.signal === undefined ? ended.signal : AbortSignal.any([asked.signal, ended.signal]);
  return {
    options: { ...asked, signal },
    end: () => ended.abort(new ServiceError('request.aborted', 'Another part of the request has failed')),
  };
}

export function createEvaluation({ images, embeddings, concurrency, metrics }: EvaluationDeps): Evaluation {
  const places = {
    batch: createFairPlaces({
      places: concurrency,
      guaranteed: Math.ceil(concurrency / 8),
      hardLimit: 2 * concurrency,
    }),
    single: createFairPlaces({
      places: singlesPerBatchPlace * concurrency,
      guaranteed: Math.ceil(concurrency / 2),
      hardLimit: 2 * singlesPerBatchPlace * concurrency,
    }),
  };
  let comparing = 0;

  /** Does what holds an image in memory, once the tenant has a place for it. */
  async function withPlace<Value>(mode: Mode, { tenant = '', signal }: Options, work: () => Promise<Value>) {
    const release = await places[mode].take(tenant, signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Loads and embeds one image of an interactive request. */
  async function embedImage(spec: ModelSpec, source: ImageSource | Uint8Array, stages: Stages, options: Options) {
    const { tenant, signal } = options;
    const caller = { interactive: true, tenant, signal };
    const embed = async (bytes: Uint8Array, fetchMs: number) => {
      const embedded = await embeddings.image(spec, bytes, caller);
      stages.embedded(embedded);
      return { embedded, bytes, fetchMs };
    };
    if (source instanceof Uint8Array) return await embed(source, 0);
    return await withPlace('single', options, async () => {
      // How long it waited for its place says nothing about the image host, from which admission learns.
      const start = performance.now();
      const bytes = await stages.fetch(() => images.load(source, caller));
      return await embed(bytes, performance.now() - start);
    });
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
        texts.map((text, at) =>
          limit(async () => {
            options.signal?.throwIfAborted();
            return await embedText(spec, text, true, stages, options, nameOf(at, texts));
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
    { longText, tenant, signal }: Options,
    name = 'The text',
  ): Promise<Embedded> {
    const embedded = await embeddings.text(spec, text, { interactive, tenant, signal });
    stages.embedded(embedded);
    const { tokens, totalTokens } = embedded;
    if (longText === 'error' && totalTokens > tokens) {
      throw new ServiceError(
        'text.too_long',
        `${name} has at least ${totalTokens} tokens, more than the ${tokens} that ${spec.model} reads`,
      );
    }
    return embedded;
  }

  /** After the answer, on the lane of batches: nobody waits for it, and it must not pile up. */
  async function scoreBeside(bytes: Uint8Array, texts: readonly string[], options: Options): Promise<void> {
    for (const other of options.beside ?? []) {
      if (comparing >= besideInHand) return;
      comparing++;
      const caller = { interactive: false, tenant: options.tenant };
      const picture = embeddings.image(other, bytes, caller);
      const told = texts.map((text, at) =>
        tellLater(other, at, picture, embeddings.text(other, text, caller), options.onScored),
      );
      await Promise.all(told).finally(() => comparing--);
    }
  }

  return {
    async score(spec, image, texts, asked = {}) {
      const start = performance.now();
      for (const [at, text] of texts.entries()) checkText(text, nameOf(at, texts));
      const { options, end } = endingWith(asked);
      const stages = startStages('single', metrics);
      try {
        // The texts are embedded while the image is on its way.
        const textsEmbedded = embedTexts(spec, texts, stages, options);
        textsEmbedded.catch(() => {});
        const { embedded: picture, bytes, fetchMs } = await embedImage(spec, image, stages, options);
        const sentences = await textsEmbedded;
        for (const at of texts.keys()) tell(spec, at, picture, sentences[at], options.onScored);
        void scoreBeside(bytes, texts, options);
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
        end();
        stages.end();
      }
    },

    async scoreImages(spec, sources, text, options = {}) {
      const start = performance.now();
      checkText(text);
      const stages = startStages('single', metrics);
      type Loaded = { picture: Embedded; fetchMs: number } | { error: unknown };
      const load = async (source: ImageSource): Promise<Loaded> => {
        try {
          const { embedded, fetchMs } = await embedImage(spec, source, stages, options);
          return { picture: embedded, fetchMs };
        } catch (error) {
          return { error };
        }
      };
      let sentence: Embedded;
      let loaded: Loaded[];
      try {
        sentence = await embedText(spec, text, true, stages, options);
        loaded = await Promise.all(sources.map(load));
      } finally {
        stages.end();
      }
      options.signal?.throwIfAborted();
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
          fetchMs: milliseconds(Math.max(0, ...loaded.map((one) => ('picture' in one ? one.fetchMs : 0)))),
          decodeMs: milliseconds(slowest(({ decodeMs }) => decodeMs)),
          inferenceMs: milliseconds(sentence.inferenceMs + slowest(({ inferenceMs }) => inferenceMs)),
          totalMs: milliseconds(performance.now() - start),
        },
      };
    },

    async embed(spec, inputs, asked = {}) {
      for (const [at, input] of inputs.entries()) if ('text' in input) checkText(input.text, nameOf(at, inputs));
      const { options, end } = endingWith(asked);
      const limit = pLimit(textsInHand);
      const stages = startStages('single', metrics);
      try {
        return await Promise.all(
          inputs.map((input, at) =>
            'text' in input
              ? limit(() => embedText(spec, input.text, true, stages, options, nameOf(at, inputs)))
              : embedImage(spec, input.image, stages, options).then(({ embedded }) => embedded),
          ),
        );
      } finally {
        limit.clearQueue();
        end();
        stages.end();
      }
    },

    async evaluate(spec, pairs, options = {}) {
      const { tenant, signal } = options;
      const caller = { interactive: false, tenant, signal };
      // The same source twice in one chunk is downloaded once.
      const pictures = new Map<string, Promise<{ embedded: Embedded; others: Promise<Embedded>[] }>>();
      const stages = startStages('batch', metrics);
      const { beside = [] } = options;
      const embedOnce = (source: ImageSource) => {
        const key = JSON.stringify(source);
        let picture = pictures.get(key);
        if (picture === undefined) {
          picture = withPlace('batch', options, async () => {
            const bytes = await stages.fetch(() => images.load(source, caller));
            // Beside it from the same bytes, and before they are let go.
            const others = beside.map((other) => embeddings.image(other, bytes, caller));
            const [embedded] = await bothOf(embeddings.image(spec, bytes, caller), Promise.allSettled(others));
            stages.embedded(embedded);
            return { embedded, others };
          });
          pictures.set(key, picture);
        }
        return picture;
      };
      const evaluatePair = async (pair: Pair, at: number): Promise<Outcome> => {
        if ('error' in pair) return { status: 'failed', error: pair.error };
        try {
          checkText(pair.text);
          const [{ embedded, others }, sentence] = await bothOf(
            embedOnce(pair.image),
            embedText(spec, pair.text, false, stages, options),
          );
          const scored = tell(spec, at, embedded, sentence, options.onScored);
          await Promise.all(
            beside.map((other, nth) =>
              tellLater(other, at, others[nth], embeddings.text(other, pair.text, caller), options.onScored),
            ),
          );
          const warnings = warningsOf(embedded, sentence);
          return { status: 'succeeded', ...scored, ...(warnings.length > 0 && { warnings }) };
        } catch (error) {
          if (signal?.aborted) throw signal.reason;
          if (error instanceof ServiceError && processFaults.has(error.code)) throw error;
          const itemError = toItemError(error);
          options.onScored?.({ spec, at, outcome: { code: itemError.code }, runs: [] });
          return { status: 'failed', error: itemError };
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

function checkText(text: string, name = 'The text'): void {
  if (text.trim() === '') throw new ServiceError('text.empty', `${name} is empty`);
  if (text.length > maxTextLength) {
    throw new ServiceError('text.too_long', `${name} has ${text.length} characters, more than ${maxTextLength}`);
  }
}

/** Which of the texts of a request is meant. */
const nameOf = (at: number, { length }: readonly unknown[]): string =>
  length === 1 ? 'The text' : `The text at index ${at}`;

const milliseconds = (value: number): number => Math.round(value * 10) / 10;
