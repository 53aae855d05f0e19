import { createRandom, drawBeta } from './random.ts';

export interface Label {
  score: number;
  isRight: boolean;
}

/** A range of scores (a band), with its number of pairs in the batch. The judged pairs are a random sample of them. */
export interface ScoreBand {
  from: number;
  to: number;
  count: number;
}

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

const draws = 1_000;

/**
 * Estimates precision and recall at a threshold. Each judged pair represents the pairs of its band (range of scores).
 * The 95 % intervals are simulated from a Beta distribution for each band. The prior of a band has the weight of one
 * label, with the share of right pairs that the labels of all bands suggest.
 * @param bands cover all scores without overlap, the lowest first; the threshold is not inside any of them.
 * @returns undefined without labels.
 */
export function judge(bands: readonly ScoreBand[], labels: readonly Label[], threshold: number): Judgement | undefined {
  if (labels.length === 0) return undefined;
  const filled = bands.filter(({ count }) => count > 0);
  const judged = filled.map((band) => countLabels(band, labels));
  const shares = risingShares(judged);
  const prior = risingShares(judged, 0.5);
  const random = createRandom(labels.length);
  const drawn = Array.from({ length: draws }, () =>
    ratesOf(
      filled,
      judged.map(({ right, wrong }, at) => {
        const expected = prior[at] ?? 0.5;
        return drawBeta(random, right + expected, wrong + 1 - expected);
      }),
      threshold,
    ),
  );
  const { precision, recall } = ratesOf(filled, shares, threshold);
  return {
    precision: estimateOf(
      precision,
      drawn.map((rates) => rates.precision),
    ),
    recall: estimateOf(
      recall,
      drawn.map((rates) => rates.recall),
    ),
  };
}

/**
 * Returns the lowest threshold with at least the wanted precision; undefined if none reaches it.
 * @param bandsAt returns the bands (ranges of scores) for a threshold.
 */
export function suggest(
  thresholds: readonly number[],
  bandsAt: (threshold: number) => readonly ScoreBand[],
  labels: readonly Label[],
  wanted: number,
): number | undefined {
  return thresholds.find((threshold) => {
    if (!labels.some(({ score }) => score >= threshold)) return false;
    const filled = bandsAt(threshold).filter(({ count }) => count > 0);
    const shares = risingShares(filled.map((band) => countLabels(band, labels)));
    return ratesOf(filled, shares, threshold).precision >= wanted;
  });
}

interface Counted {
  right: number;
  wrong: number;
}

function countLabels({ from, to }: ScoreBand, labels: readonly Label[]): Counted {
  const judged = labels.filter(({ score }) => score >= from && score < to);
  const right = judged.filter(({ isRight }) => isRight).length;
  return { right, wrong: judged.length - right };
}

function ratesOf(bands: readonly ScoreBand[], shares: readonly number[], threshold: number) {
  let kept = 0;
  let rightKept = 0;
  let right = 0;
  for (const [at, { from, count }] of bands.entries()) {
    const rightHere = count * (shares[at] ?? 0);
    right += rightHere;
    if (from < threshold) continue;
    kept += count;
    rightKept += rightHere;
  }
  return { precision: kept === 0 ? 0 : rightKept / kept, recall: right === 0 ? 0 : rightKept / right };
}

/**
 * Returns the share of right pairs in each band (range of scores) by isotonic regression, so that it never falls as
 * scores rise. A band without labels gets the share of the band below it.
 * @param doubt a number of labels that is added to the right and to the wrong ones of each group of bands, so that no
 * share is 0 or 1.
 */
function risingShares(judged: readonly Counted[], doubt = 0): number[] {
  const blocks: { right: number; all: number; bands: number }[] = [];
  for (const { right, wrong } of judged) {
    const before = blocks.at(-1);
    if (right + wrong === 0 && before !== undefined) {
      before.bands++;
      continue;
    }
    // Without labels in this band and below, the share is unknown. With the tiny weight, the next band determines it.
    blocks.push(right + wrong === 0 ? { right: 0.5e-6, all: 1e-6, bands: 1 } : { right, all: right + wrong, bands: 1 });
    for (;;) {
      const [a, b] = [blocks.at(-2), blocks.at(-1)];
      if (a === undefined || b === undefined || a.right / a.all < b.right / b.all) break;
      blocks.splice(-2, 2, { right: a.right + b.right, all: a.all + b.all, bands: a.bands + b.bands });
    }
  }
  return blocks.flatMap(({ right, all, bands }) => Array<number>(bands).fill((right + doubt) / (all + 2 * doubt)));
}

function estimateOf(value: number, drawn: readonly number[]): Estimate {
  const sorted = drawn.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? value;
  return { value, low: Math.min(value, at(0.025)), high: Math.max(value, at(0.975)) };
}
