import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { type ItemError, toItemError } from '../shared/errors.ts';
import { compare, type PairScores } from './compare.ts';
import { embedImage, embedText } from './interactive-inputs.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import { isProcessError } from './process-errors.ts';
import { milliseconds, receiptWith } from './receipt.ts';
import type { TextScores } from './score-texts.ts';
import { startStages } from './stages.ts';
import { checkText } from './texts.ts';

export interface ImageScores extends Pick<TextScores, 'receipt' | 'timings'> {
  results: ({ index: number } & PairScores)[];
  failures: { index: number; error: ItemError }[];
}

type Loaded = { embedded: Embedded; fetchMs: number } | { error: unknown };

/**
 * Scores several images against one text, with priority over batch work. A failed image does not stop the others.
 * @throws {ServiceError} the error of the text, of the model, or of the first image when all have failed.
 */
export async function scoreImages(
  parts: EvaluationParts,
  spec: ModelSpec,
  sources: readonly ImageSource[],
  text: string,
  options: EvaluationOptions = {},
): Promise<ImageScores> {
  const start = performance.now();
  checkText(text);
  const stages = startStages('single', parts.metrics);
  const load = (source: ImageSource): Promise<Loaded> =>
    embedImage(parts, spec, source, stages, options).catch((error: unknown) => ({ error }));
  let embeddedText: Embedded;
  let loaded: Loaded[];
  try {
    embeddedText = await embedText(parts, spec, text, stages, options);
    loaded = await Promise.all(sources.map(load));
  } finally {
    stages.end();
  }
  options.signal?.throwIfAborted();
  const results: ImageScores['results'] = [];
  const failures: ImageScores['failures'] = [];
  const images: { embedded: Embedded; fetchMs: number }[] = [];
  for (const [index, image] of loaded.entries()) {
    if ('embedded' in image) {
      images.push(image);
      results.push({ index, ...compare(image.embedded, embeddedText, spec) });
    } else if (isProcessError(image.error)) throw image.error;
    else failures.push({ index, error: toItemError(image.error) });
  }
  const [first] = loaded;
  if (results.length === 0 && first !== undefined && 'error' in first) throw first.error;
  const slowest = (stage: (image: { embedded: Embedded; fetchMs: number }) => number) =>
    Math.max(0, ...images.map(stage));
  return {
    results,
    failures,
    receipt: receiptWith(spec, embeddedText, ...images.map(({ embedded }) => embedded)),
    timings: {
      fetchMs: milliseconds(slowest(({ fetchMs }) => fetchMs)),
      decodeMs: milliseconds(slowest(({ embedded }) => embedded.decodeMs)),
      inferenceMs: milliseconds(embeddedText.inferenceMs + slowest(({ embedded }) => embedded.inferenceMs)),
      totalMs: milliseconds(performance.now() - start),
    },
  };
}
