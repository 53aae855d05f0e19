import { cosineSteps } from '../../store/score-index.ts';

/** The number of possible cosines in millionths from -1 to 1, both ends included. */
const cosines = 2 * cosineSteps + 1;

/** The distribution of the cosines of one batch, over the items that are compared with another batch. */
export interface Scale {
  /** Returns the number of items with a lower cosine, plus half of the other items with the same cosine. */
  rankOf(millionths: number): number;
  /** In points. Both are 0 without items. */
  lowest: number;
  highest: number;
  /** Returns the shortest number that about `count` items reach, never more. */
  scoreReachedBy(count: number): number;
}

/** Converts a cosine in millionths to a score. A negative cosine has the score 0. */
export const toScore = (millionths: number): number => Math.max(0, millionths) / 10_000;

export class CosineCounts {
  /** The number of items with each cosine, at the index millionths + `cosineSteps` + 1. */
  private readonly counts = new Uint32Array(cosines + 1);
  items = 0;

  add(millionths: number): void {
    const at = millionths + cosineSteps + 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.items++;
  }

  /** Ends the counting. Converts the counts to the numbers of items with a lower cosine, in place. */
  toScale(): Scale {
    const lower = this.counts;
    let lowest = cosineSteps;
    let highest = -cosineSteps;
    for (let at = 1; at < lower.length; at++) {
      if ((lower[at] ?? 0) > 0) {
        lowest = Math.min(lowest, at - 1 - cosineSteps);
        highest = at - 1 - cosineSteps;
      }
      lower[at] = (lower[at] ?? 0) + (lower[at - 1] ?? 0);
    }
    const lowerThan = (millionths: number) => lower[millionths + cosineSteps] ?? 0;
    const { items } = this;
    return {
      rankOf: (millionths) => (lowerThan(millionths) + lowerThan(millionths + 1) - 1) / 2,
      lowest: items === 0 ? 0 : toScore(lowest),
      highest: items === 0 ? 0 : toScore(highest),
      scoreReachedBy(count) {
        let [from, to] = [0, cosineSteps];
        while (from < to) {
          const middle = (from + to) >> 1;
          if (items - lowerThan(middle) <= count) to = middle;
          else from = middle + 1;
        }
        let end = from;
        while (end < cosineSteps && lowerThan(end + 1) === lowerThan(from)) end++;
        return shortestScore(from, end);
      },
    };
  }
}

/** Returns the score with the fewest decimals in a range of cosines in millionths, both ends included. */
function shortestScore(from: number, to: number): number {
  for (let step = 10_000; step > 1; step /= 10) {
    const next = Math.ceil(from / step) * step;
    if (next <= to) return toScore(next);
  }
  return toScore(from);
}
