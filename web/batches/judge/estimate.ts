import type { Histogram } from '../workbench/distribution.ts';
import { createRandom, drawBinomial } from './random.ts';
import { drawRisingShares, shares } from './rising-shares.ts';
import { cellsOf, type Label, openFrom, type ScoreCell } from './score-cells.ts';

export interface Estimate {
  value: number;
  /** The lower end of the 95 % interval. `high` is the upper end. */
  low: number;
  high: number;
}

export interface Judgement {
  /** Of the pairs that reach the threshold, the share that is right. */
  precision: Estimate;
  /** Of the right pairs, the share that reaches the threshold. */
  recall: Estimate;
}

export interface Estimator {
  /** Estimates precision and recall at a threshold. */
  judge(threshold: number): Judgement;
  /**
   * Returns the lowest threshold with at least the wanted precision, raised above the wrong pairs below the first right
   * one that it keeps; undefined if none reaches the precision.
   * @param thresholds in ascending order.
   */
  suggest(thresholds: readonly number[], wanted: number): number | undefined;
}

/** Returns a share in whole percent. Only a share of 0 or 1 is shown as 0 or 100. */
export function percentWords(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 100 && share < 1) return '>99';
  return percent === 0 && share > 0 ? '<1' : String(percent);
}

/** Returns the ends of an interval in whole percent, rounded away from each other. */
export const intervalPercents = ({ low, high }: Estimate): [low: number, high: number] => [
  Math.floor(low * 100 + rounding),
  Math.ceil(high * 100 - rounding),
];

/** Rounding errors below this do not change a percentage. */
const rounding = 1e-9;

const draws = 1_000;

/**
 * Estimates precision and recall of a batch from the labels of some of its pairs. Judged pairs count as they are labelled.
 * The others are right with the probability of their score, which rises with the score (see {@link drawRisingShares}).
 * The 95 % intervals are of the posterior distribution. It does not depend on the threshold, so they also hold for a
 * threshold that the same labels have suggested.
 * @returns undefined without labels.
 */
export function estimatorOf(histogram: Histogram, labels: readonly Label[]): Estimator | undefined {
  if (labels.length === 0) return undefined;
  const counted = cellsOf(histogram, labels);
  const all = histogram.reduce((sum, { count }) => sum + count, 0);
  // The score of a label may be rounded to a neighbouring bin, which then seems to have an open pair.
  const cells = labels.length >= all ? counted.map((cell) => ({ ...cell, open: 0 })) : counted;
  const curves = drawRisingShares(cells, createRandom(labels.length), draws);
  const means = cells.map((_, at) => meanOf(curves.map((curve) => shares[curve[at] ?? 0] ?? 0)));
  const judgedRight = countRight(labels);

  /** Returns a function that computes the rates at a threshold from the numbers of right pairs that were not judged. */
  function ratesAt(threshold: number): (rightOpenKept: number, rightOpen: number) => Rates {
    const judged = labels.filter(({ score }) => score >= threshold);
    const kept = judged.length + cells.reduce((sum, cell) => sum + openFrom(cell, threshold), 0);
    const judgedRightKept = countRight(judged);
    return (rightOpenKept, rightOpen) => {
      const rightKept = judgedRightKept + rightOpenKept;
      const right = judgedRight + rightOpen;
      return { precision: kept === 0 ? 0 : rightKept / kept, recall: right === 0 ? 0 : rightKept / right };
    };
  }

  function expected(threshold: number): Rates {
    const sum = (openOf: (cell: ScoreCell) => number) =>
      cells.reduce((right, cell, at) => right + openOf(cell) * (means[at] ?? 0), 0);
    return ratesAt(threshold)(
      sum((cell) => openFrom(cell, threshold)),
      sum(({ open }) => open),
    );
  }

  function judge(threshold: number): Judgement {
    const random = createRandom(labels.length);
    const rates = ratesAt(threshold);
    const drawn = curves.map((curve) => {
      let rightOpenKept = 0;
      let rightOpen = 0;
      for (const { share, open, kept } of levelsOf(cells, curve, threshold)) {
        const rightHere = Math.min(kept, drawBinomial(random, Math.round(kept), share));
        rightOpenKept += rightHere;
        rightOpen += rightHere + drawBinomial(random, Math.round(open - kept), share);
      }
      return rates(rightOpenKept, rightOpen);
    });
    const { precision, recall } = expected(threshold);
    return {
      precision: estimateOf(
        precision,
        drawn.map((each) => each.precision),
      ),
      recall: estimateOf(
        recall,
        drawn.map((each) => each.recall),
      ),
    };
  }

  function suggest(thresholds: readonly number[], wanted: number): number | undefined {
    const lowest = thresholds.find(
      (threshold) => labels.some(({ score }) => score >= threshold) && expected(threshold).precision >= wanted,
    );
    if (lowest === undefined) return undefined;
    const kept = labels.filter(({ score }) => score >= lowest);
    const firstRight = Math.min(...kept.filter(({ isRight }) => isRight).map(({ score }) => score));
    const lastWrong = Math.max(
      ...kept.filter(({ isRight, score }) => !isRight && score < firstRight).map(({ score }) => score),
    );
    const raised = thresholds.find((threshold) => threshold > lastWrong);
    return raised !== undefined && raised > lowest && raised <= firstRight ? raised : lowest;
  }

  return { judge, suggest };
}

interface Rates {
  precision: number;
  recall: number;
}

/** Open pairs of neighbouring cells with one share of right pairs. `kept` is the number of those at the threshold or above. */
interface Level {
  share: number;
  open: number;
  kept: number;
}

function levelsOf(cells: readonly ScoreCell[], curve: Uint8Array, threshold: number): Level[] {
  const levels: Level[] = [];
  for (const [at, cell] of cells.entries()) {
    if (at === 0 || curve[at] !== curve[at - 1]) levels.push({ share: shares[curve[at] ?? 0] ?? 0, open: 0, kept: 0 });
    const level = levels.at(-1) as Level;
    level.open += cell.open;
    level.kept += openFrom(cell, threshold);
  }
  return levels;
}

const countRight = (labels: readonly Label[]): number => labels.filter(({ isRight }) => isRight).length;

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function estimateOf(value: number, drawn: readonly number[]): Estimate {
  const sorted = drawn.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? value;
  return { value, low: Math.min(value, at(0.025)), high: Math.max(value, at(0.975)) };
}
