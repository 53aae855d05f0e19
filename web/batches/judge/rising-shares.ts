import type { ScoreCell } from './score-cells.ts';

/** The number of values that a share can have. */
const size = 120;
/** The values of a share: quantiles of Beta(1/2, 1/2), so that they are dense near 0 and 1. */
export const shares: readonly number[] = Array.from(
  { length: size },
  (_, at) => Math.sin((Math.PI * (at + 0.5)) / (2 * size)) ** 2,
);
const logs = shares.map((share) => ({ right: Math.log(share), wrong: Math.log(1 - share) }));

/** The number of rises of the share from the lowest cell to the highest that is expected before any label. */
const expectedRises = 4;

/**
 * Draws the share of right pairs in each cell of scores, given the labels. Each draw is one curve of the posterior
 * distribution: an index in {@link shares} for each cell, which never falls from a cell to the next.
 *
 * Before any label, the lowest cell has a share from Beta(1/4, 1/2), because pairs of the lowest scores are mostly wrong.
 * From cell to cell the share stays the same, or it rises to a share from Beta(1/2, 1/2) above it. Rises are as frequent
 * in a tenth of the scores as in a tenth of the pairs. This is a hidden Markov chain with a finite number of values, so
 * forward filtering and backward sampling draw from its exact posterior (Scott, 2002, doi:10.1198/016214502753479464).
 */
export function drawRisingShares(cells: readonly ScoreCell[], random: () => number, draws: number): Uint8Array[] {
  const rises = riseChances(cells);
  const states: Filtered[] = [];
  for (const [at, cell] of cells.entries()) states.push(filtered(states.at(-1), rises[at] ?? 0, cell));
  return Array.from({ length: draws }, () => {
    const curve = new Uint8Array(cells.length);
    let share = size - 1;
    for (let at = cells.length - 1; at >= 0; at--) {
      const { weights, total, fromBelow } = states[at] as Filtered;
      if (at === cells.length - 1) share = searched(total, random() * (total[size - 1] ?? 0), size - 1);
      else {
        const rise = rises[at + 1] ?? 0;
        const stays = (1 - rise) * (weights[share] ?? 0);
        const rose = rise * (fromBelow[share] ?? 0);
        if (random() * (stays + rose) >= stays) share = searched(fromBelow, random() * (fromBelow[share] ?? 0), share);
      }
      curve[at] = share;
    }
    return curve;
  });
}

/** The distribution of the share of a cell, given the labels of this cell and of those below it. */
interface Filtered {
  /** The probability of each share. */
  weights: Float64Array;
  /** The sums of `weights` up to each share. */
  total: Float64Array;
  /** The sums up to each share of `weights`, divided by the number of shares to which a rise may lead. */
  fromBelow: Float64Array;
}

function filtered(below: Filtered | undefined, rise: number, { right, wrong }: ScoreCell): Filtered {
  const likelihoods = logs.map((log) => right * log.right + wrong * log.wrong);
  const highest = Math.max(...likelihoods);
  const weights = Float64Array.from(shares, (share, at) => {
    const prior =
      below === undefined ? share ** -0.25 : (1 - rise) * (below.weights[at] ?? 0) + rise * (below.fromBelow[at] ?? 0);
    return prior * Math.exp((likelihoods[at] ?? 0) - highest);
  });
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const total = new Float64Array(size);
  const fromBelow = new Float64Array(size);
  for (let at = 0; at < size; at++) {
    const weight = (weights[at] ?? 0) / sum;
    weights[at] = weight;
    total[at] = (total[at - 1] ?? 0) + weight;
    fromBelow[at] = (fromBelow[at - 1] ?? 0) + weight / (size - at);
  }
  return { weights, total, fromBelow };
}

/** Returns for each cell the chance that its share is higher than that of the cell below it. */
function riseChances(cells: readonly ScoreCell[]): number[] {
  const counts = cells.map(({ right, wrong, open }) => right + wrong + open);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const middles = cells.map(({ from, to }) => (from + to) / 2);
  const width = (middles.at(-1) ?? 0) - (middles[0] ?? 0);
  return cells.map((_, at) => {
    if (at === 0) return 0;
    const pairs = ((counts[at - 1] ?? 0) + (counts[at] ?? 0)) / 2 / all;
    const scores = ((middles[at] ?? 0) - (middles[at - 1] ?? 0)) / width;
    return 1 - Math.exp((-expectedRises * (pairs + scores)) / 2);
  });
}

/** Returns the first index up to `last` whose sum is at least `wanted`. */
function searched(sums: Float64Array, wanted: number, last: number): number {
  let [low, high] = [0, last];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
