/** Cosine of two L2-normalised embeddings of equal length, in [-1, 1], to six decimals. */
export function cosineOf(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  for (let at = 0; at < a.length; at++) dot += (a[at] ?? 0) * (b[at] ?? 0);
  return round(Math.min(1, Math.max(-1, dot)), 6);
}

/** `100 * max(cosine, 0)`: the CLIPScore of Hessel et al. (2021) as torchmetrics scales it. */
export const scoreOf = (cosine: number): number => round(100 * Math.max(cosine, 0), 4);

const round = (value: number, decimals: number): number => {
  const rounded = Number(value.toFixed(decimals));
  return rounded === 0 ? 0 : rounded; // never -0: JSON writes it as 0, so a comparison after reading would fail
};

/**
 * Softmax over `logitScale * cosine`: probabilities among the candidates of one request, to six decimals; their sum is 1.
 * @param logitScale the model's temperature, as its registry entry has it (100 for a trained CLIP).
 */
export function probabilitiesOf(cosines: readonly number[], logitScale: number): number[] {
  const highest = Math.max(...cosines);
  const weights = cosines.map((cosine) => Math.exp(logitScale * (cosine - highest)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => round(weight / sum, 6));
}
