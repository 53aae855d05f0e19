import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import type { Scale } from './scale.ts';

/** The maximum number of bins on each axis. */
const mostBins = 80;
const widths = [0.1, 0.25, 0.5, 1, 2, 5];

/**
 * A two-dimensional histogram of the scores of items in two batches. The range of the scores determines the bin width.
 */
export class Bins {
  private readonly width: number;
  private readonly otherWidth: number;
  private readonly first: number;
  private readonly otherFirst: number;
  private readonly counts = new Uint32Array((mostBins + 1) ** 2);

  constructor(scale: Scale, other: Scale) {
    this.width = widthFor(scale);
    this.otherWidth = widthFor(other);
    this.first = binOf(scale.lowest, this.width);
    this.otherFirst = binOf(other.lowest, this.otherWidth);
  }

  add(score: number, otherScore: number): void {
    const at =
      (binOf(score, this.width) - this.first) * (mostBins + 1) + binOf(otherScore, this.otherWidth) - this.otherFirst;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  read(): BatchComparison['bins'] {
    const { width, otherWidth } = this;
    const cells: BatchComparison['bins']['cells'] = [];
    for (const [at, count] of this.counts.entries()) {
      if (count === 0) continue;
      const from = edge(this.first + Math.floor(at / (mostBins + 1)), width);
      cells.push({ from, otherFrom: edge(this.otherFirst + (at % (mostBins + 1)), otherWidth), count });
    }
    return { width, otherWidth, cells };
  }
}

const widthFor = ({ lowest, highest }: Scale): number =>
  widths.find((width) => binOf(highest, width) - binOf(lowest, width) < mostBins) ?? 5;

// Rounding error: 28.3 / 0.1 is slightly below 283.
const binOf = (score: number, width: number): number => Math.floor(score / width + 1e-6);
const edge = (bin: number, width: number): number => Number((bin * width).toFixed(4));
