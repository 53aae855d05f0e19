import type { ImageSource, Receipt } from '../shared/contracts/item.ts';
import type { Timings } from '../shared/contracts/single.ts';
import { compare, type PairScores, runsOf } from './compare.ts';
import type { CompareLater } from './compare-later.ts';
import { embedImage, embedTexts, endingWith } from './interactive-inputs.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import type { Models, ScoredPairs } from './outcome.ts';
import { milliseconds, receiptWith } from './receipt.ts';
import { startStages } from './stages.ts';
import { checkText, nameOf } from './texts.ts';

export interface TextScores {
  /** In the order of the texts. */
  results: ({ text: string } & PairScores)[];
  receipt: Receipt;
  timings: Timings;
}

/** The scores for the response, and each model's outcomes of the pairs of the image with the texts. */
export interface ScoredTexts extends ScoredPairs {
  scores: TextScores;
}

/**
 * Scores one image against texts, with priority over batch work. Additional models score the image after the response.
 * @throws {ServiceError} the first error of the image, of a text, or of the first model.
 */
export async function scoreTexts(
  parts: EvaluationParts,
  compareLater: CompareLater,
  [answering, ...others]: Models,
  source: ImageSource | Uint8Array,
  texts: readonly string[],
  asked: EvaluationOptions = {},
): Promise<ScoredTexts> {
  const start = performance.now();
  for (const [at, text] of texts.entries()) checkText(text, nameOf(at, texts));
  const { options, end } = endingWith(asked);
  const stages = startStages('single', parts.metrics);
  try {
    // The texts are embedded during the download of the image.
    const embeddingTexts = embedTexts(parts, answering, texts, stages, options);
    embeddingTexts.catch(() => {});
    const { embedded: image, bytes, fetchMs } = await embedImage(parts, answering, source, stages, options);
    const embeddedTexts = await embeddingTexts;
    const scored = embeddedTexts.map(({ text, embedded }, at) => ({
      text,
      scores: compare(image, embedded, answering),
      runs: runsOf(...(at === 0 ? [image] : []), embedded),
    }));
    const slowestText = Math.max(...embeddedTexts.map(({ embedded }) => embedded.inferenceMs));
    return {
      scores: {
        results: scored.map(({ text, scores }) => ({ text, ...scores })),
        receipt: receiptWith(answering, image, ...embeddedTexts.map(({ embedded }) => embedded)),
        timings: {
          fetchMs: milliseconds(fetchMs),
          decodeMs: milliseconds(image.decodeMs),
          inferenceMs: milliseconds(image.inferenceMs + slowestText),
          totalMs: milliseconds(performance.now() - start),
        },
      },
      answers: scored.map(({ scores, runs }) => ({ outcome: { status: 'succeeded', ...scores }, runs })),
      compared: compareLater(others, bytes, texts, options.tenant),
    };
  } finally {
    end();
    stages.end();
  }
}
