/** The difference of the cosines of one model at two precisions. */
export interface Drift {
  pairs: number;
  /** Mean and maximum of the difference of a cosine. */
  mean: number;
  largest: number;
  /** Spearman's coefficient over all pairs: 1 when they have the same order. */
  rankCorrelation: number;
  threshold: number;
  /** Share of pairs that are above the threshold at one precision, and below it at the other. */
  changedSides: number;
}

/**
 * Compares cosines pair by pair.
 * @param threshold a cosine; by default the median of the reference.
 * @throws {Error} when there are no pairs, or their numbers differ.
 */
export function driftOf(reference: readonly number[], other: readonly number[], threshold = median(reference)): Drift {
  if (reference.length === 0 || reference.length !== other.length) throw new Error('the pairs are not the same');
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

/** The middle between the two values in the middle, so that as many are above as below. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return ((sorted[Math.ceil(sorted.length / 2) - 1] ?? upper) + upper) / 2;
}

/** Ranks of values; equal ones share the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}

/** Pearson's coefficient; 1 when neither side varies. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  const sum = (product: (x: number, y: number) => number) =>
    a.reduce((total, value, at) => total + product(value - meanA, (b[at] as number) - meanB), 0);
  const deviation = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
  return deviation === 0 ? 1 : sum((x, y) => x * y) / deviation;
}
