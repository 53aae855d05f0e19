import type { Probability } from '../models/model.ts';

/** Returns the cosine of two L2-normalised embeddings of equal length, in [-1, 1], rounded to six decimals. */
export function cosineOf(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  for (let at = 0; at < a.length; at++) dot += (a[at] ?? 0) * (b[at] ?? 0);
  return round(Math.min(1, Math.max(-1, dot)), 6);
}

/** Returns `100 * max(cosine, 0)`: the CLIPScore of Hessel et al. (2021), scaled as in torchmetrics. */
export const scoreOf = (cosine: number): number => round(100 * Math.max(cosine, 0), 4);

const round = (value: number, decimals: number): number => {
  const rounded = Number(value.toFixed(decimals));
  return rounded === 0 ? 0 : rounded; // JSON writes -0 as 0, so a comparison after reading would fail.
};

/**
 * Returns the probability that a text describes an image, rounded to six decimals; undefined for families whose
 * probabilities depend on all candidates.
 */
export const pairProbabilityOf = (cosine: number, probability: Probability): number | undefined =>
  probability.kind === 'sigmoid' ? probabilitiesOf([cosine], probability)[0] : undefined;

/**
 * Returns the probabilities of candidates, rounded to six decimals. With softmax they add up to 1; with a sigmoid they
 * are independent.
 */
export function probabilitiesOf(cosines: readonly number[], probability: Probability): number[] {
  const { scale } = probability;
  if (probability.kind === 'sigmoid') {
    return cosines.map((cosine) => round(1 / (1 + Math.exp(-(scale * cosine + probability.bias))), 6));
  }
  const highest = Math.max(...cosines);
  const weights = cosines.map((cosine) => Math.exp(scale * (cosine - highest)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => round(weight / sum, 6));
}
