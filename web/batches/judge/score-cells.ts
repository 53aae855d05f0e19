import type { Histogram } from '../workbench/distribution.ts';

export interface Label {
  score: number;
  isRight: boolean;
}

/** A narrow range of scores with its judged pairs. `open` is the number of its pairs that were not judged. */
export interface ScoreCell {
  from: number;
  to: number;
  right: number;
  wrong: number;
  open: number;
}

/** Returns the bins of a histogram with their labels, the lowest first. Pairs of negative cosines have one cell. */
export function cellsOf(histogram: Histogram, labels: readonly Label[]): ScoreCell[] {
  const cells: ScoreCell[] = [];
  for (const { from, to, count } of histogram) {
    if (from >= 0) cells.push({ from: 100 * from, to: 100 * to, right: 0, wrong: 0, open: count });
    else if (cells[0] === undefined) cells.push({ from: -1, to: 0, right: 0, wrong: 0, open: count });
    else cells[0].open += count;
  }
  for (const { score, isRight } of labels) {
    const cell = cells.findLast(({ from, to }) => from <= score + rounding && (score > 0 || to <= 0)) ?? cells[0];
    if (cell === undefined) continue;
    cell[isRight ? 'right' : 'wrong']++;
    cell.open = Math.max(0, cell.open - 1);
  }
  return cells;
}

/** Rounding errors below this do not move a score to another cell. */
const rounding = 1e-9;

/** Returns the number of open pairs of a cell that reach a threshold. Inside the cell, they are evenly distributed. */
export function openFrom({ from, to, open }: ScoreCell, threshold: number): number {
  // Every negative cosine has the score 0, so it reaches a threshold of 0.
  if (threshold <= 0 || from >= threshold - rounding) return open;
  return to <= threshold + rounding ? 0 : (open * (to - threshold)) / (to - from);
}
