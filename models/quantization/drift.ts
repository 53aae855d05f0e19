export interface Drift {
  pairs: number;
  /** The mean absolute difference between the cosines of a pair at both precisions. `largest` is the maximum. */
  mean: number;
  largest: number;
  /** Spearman's rank correlation of the cosines. */
  rankCorrelation: number;
  threshold: number;
  /** The share of pairs whose cosine is below the threshold at one precision only. */
  changedSides: number;
}

/**
 * @param reference the cosines at the precision that is regarded as correct.
 * @param threshold for {@link Drift.changedSides}.
 * @throws {Error} when there are no pairs, or when the two lists have different lengths.
 */
export function driftOf(reference: readonly number[], other: readonly number[], threshold = median(reference)): Drift {
  if (reference.length === 0 || reference.length !== other.length)
    throw new Error('drift needs two lists of the same pairs, with at least one pair');
  const pairs = reference.map((cosine, at) => [cosine, other[at] as number] as const);
  const differences = pairs.map(([a, b]) => Math.abs(a - b));
  return {
    pairs: pairs.length,
    mean: meanOf(differences),
    largest: Math.max(...differences),
    rankCorrelation: correlation(ranksOf(reference), ranksOf(other)),
    threshold,
    changedSides: meanOf(pairs.map(([a, b]) => (a >= threshold === b >= threshold ? 0 : 1))),
  };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** For an even count, the median is the mean of the two middle values. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return ((sorted[Math.ceil(sorted.length / 2) - 1] ?? upper) + upper) / 2;
}

/** Equal values have the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}

/** Returns Pearson's correlation coefficient, or 1 when all values of a list are equal. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  const sum = (product: (x: number, y: number) => number) =>
    a.reduce((total, value, at) => total + product(value - meanA, (b[at] as number) - meanB), 0);
  const deviation = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
  return deviation === 0 ? 1 : sum((x, y) => x * y) / deviation;
}
