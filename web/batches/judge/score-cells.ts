import { type Histogram, points, shareFrom } from '../workbench/distribution.ts';

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
    if (from >= 0) cells.push({ from: points(from), to: points(to), right: 0, wrong: 0, open: count });
    else if (cells[0] === undefined) cells.push({ from: -1, to: 0, right: 0, wrong: 0, open: count });
    else cells[0].open += count;
  }
  for (const { score, isRight } of labels) {
    const cell = cells.findLast(({ from, to }) => from <= score && (score > 0 || to <= 0)) ?? cells[0];
    if (cell === undefined) continue;
    cell[isRight ? 'right' : 'wrong']++;
    cell.open = Math.max(0, cell.open - 1);
  }
  return cells;
}

/** Returns the number of open pairs of a cell that reach a threshold. Inside the cell, they are evenly distributed. */
export const openFrom = (cell: ScoreCell, threshold: number): number => cell.open * shareFrom(cell, threshold);
