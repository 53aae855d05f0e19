import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { distinctPairs } from '../workbench/distinct-pairs.ts';
import { countPassing, justBelow } from '../workbench/distribution.ts';
import { bandsAround } from './bands.ts';
import { labelOf } from './label-words.ts';
import { type DrawnSample, type LabelledSample, sampledPair } from './labelled-sample.ts';
import { createRandom, shuffled } from './random.ts';

/** Draws up to `count` pairs in a range of scores at random from the whole batch. @throws {RequestFailed} */
export type DrawPairs = (
  limits: { minScore?: number; maxScore?: number },
  count: number,
  seed: number,
) => Promise<ItemResult[]>;

type Scored = Pick<BatchSummary, 'histogram'>;

/** The API takes seeds below this number. */
const maxSeed = 2 ** 32;
/** Pairs drawn for each pair to judge, since equal pairs are judged once. */
const drawn = 3;

/** Returns the number of pairs to judge. A sample has fewer if some of them are equal. */
export function sampleSize({ histogram }: Scored, threshold: number): number {
  const countFrom = (score: number) => countPassing(histogram, score).count;
  return bandsAround(histogram, threshold).reduce(
    (sum, { from, to, wanted }) => sum + Math.min(wanted, countFrom(from) - countFrom(to)),
    0,
  );
}

/**
 * Takes a random sample of pairs with scores around a threshold, in random order. The first pairs are one of each range
 * of scores, because a range without a label makes an estimate uncertain.
 * @throws {RequestFailed}
 */
export async function takeSample({ histogram }: Scored, threshold: number, draw: DrawPairs): Promise<DrawnSample> {
  const seed = Date.now() % maxSeed;
  const random = createRandom(seed);
  const bands = bandsAround(histogram, threshold);
  const read = await Promise.all(
    bands.map(({ from, to, wanted }) =>
      draw({ minScore: from, maxScore: Math.min(100, justBelow(to)) }, wanted * drawn, seed),
    ),
  );
  const mixed = read.map((results) => shuffled(results, random));
  const distinct = new Set(distinctPairs(mixed.flat()));
  const chosen = bands.map(({ wanted }, at) => mixed[at]?.filter((pair) => distinct.has(pair)).slice(0, wanted) ?? []);
  const rounds = Math.max(0, ...chosen.map(({ length }) => length));
  const pairs = Array.from({ length: rounds }, (_, round) =>
    shuffled(
      chosen.flatMap((pairsOfBand) => pairsOfBand[round] ?? []),
      random,
    ),
  ).flat();
  return { edges: bands.map(({ from }) => from), pairs: pairs.map((result) => sampledPair(result)) };
}

/** The maximum number of rows that are read for labels in a column of the input. The API draws no larger sample. */
export const maxLabelled = 10_000;

/**
 * Reads labels (right or wrong) from a column of the input: of all rows, or of rows that are drawn at random.
 * @throws {RequestFailed}
 */
export async function readLabels(column: string, draw: DrawPairs): Promise<LabelledSample> {
  const pairs = (await draw({}, maxLabelled, 0)).flatMap((result) => {
    const isRight = labelOf(result.metadata?.[column]);
    return isRight === undefined ? [] : [sampledPair(result, isRight)];
  });
  return { pairs };
}
