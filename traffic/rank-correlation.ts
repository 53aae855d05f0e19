/**
 * Returns Spearman's rank correlation of the pairs, in [-1, 1]. Equal values have the mean of their ranks.
 * @returns null for fewer than two pairs, or when all first or all second values are equal.
 */
export function rankCorrelation(pairs: readonly (readonly [number, number])[]): number | null {
  const a = ranksOf(pairs.map(([value]) => value));
  const b = ranksOf(pairs.map(([, value]) => value));
  const mean = (pairs.length - 1) / 2;
  let [product, squareA, squareB] = [0, 0, 0];
  for (let at = 0; at < pairs.length; at++) {
    const [da, db] = [(a[at] ?? 0) - mean, (b[at] ?? 0) - mean];
    product += da * db;
    squareA += da * da;
    squareB += db * db;
  }
  return squareA > 0 && squareB > 0 ? product / Math.sqrt(squareA * squareB) : null;
}

/** Returns the rank of each value, from 0. */
function ranksOf(values: readonly number[]): Float64Array {
  const order = [...values.keys()].sort((x, y) => (values[x] ?? 0) - (values[y] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1] ?? 0] === values[order[from] ?? 0]) to++;
    for (let at = from; at <= to; at++) ranks[order[at] ?? 0] = (from + to) / 2;
    from = to + 1;
  }
  return ranks;
}
