import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { distinctPairs } from '../workbench/distinct-pairs.ts';
import { justBelow, thresholdFor } from '../workbench/distribution.ts';
import { readBetween } from '../workbench/ranked.ts';
import { bandsAround } from './bands.ts';
import { labelOf } from './label-words.ts';
import { type LabelledSample, sampledPair } from './labelled-sample.ts';
import { createRandom, shuffled } from './random.ts';

/** Pairs read for each pair to judge. The pairs to judge are chosen from them at random. */
const choice = 20;

/**
 * Takes a random sample of pairs with scores around a threshold, in random order.
 * @throws {RequestFailed}
 */
export async function takeSample(
  summary: BatchSummary,
  threshold: number,
  signal: AbortSignal,
): Promise<LabelledSample> {
  const random = createRandom(Date.now());
  const bands = bandsAround(summary.histogram, threshold);
  const read = await Promise.all(
    bands.map(({ from, to, wanted }) => {
      const limits = { minScore: from, maxScore: Math.min(100, justBelow(to)) };
      return readBetween(summary.id, limits, wanted * choice, signal);
    }),
  );
  const mixed = read.map((results) => shuffled(results, random));
  const distinct = new Set(distinctPairs(mixed.flat()));
  const pairs = bands.flatMap(
    ({ wanted }, at) => mixed[at]?.filter((pair) => distinct.has(pair)).slice(0, wanted) ?? [],
  );
  return { edges: bands.map(({ from }) => from), pairs: shuffled(pairs, random).map((result) => sampledPair(result)) };
}

/** The maximum number of rows that are read for labels in a column of the input. */
export const maxLabelled = 12_000;

/**
 * Reads labels (right or wrong) from a column of the input.
 * @throws {RequestFailed}
 */
export async function readLabels(summary: BatchSummary, column: string, signal: AbortSignal): Promise<LabelledSample> {
  const results = await readBetween(summary.id, {}, maxLabelled, signal);
  const pairs = results.flatMap((result) => {
    const isRight = labelOf(result.metadata?.[column]);
    return isRight === undefined ? [] : [sampledPair(result, isRight)];
  });
  const edges = Array.from({ length: 19 }, (_, at) => thresholdFor(summary.histogram, (at + 1) / 20));
  return { edges: edges.sort((a, b) => a - b), pairs };
}
