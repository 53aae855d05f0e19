/**
 * The probability of a text. `of` is `captions` if the probability is relative to the other captions, and `pair`
 * otherwise.
 */
export interface Share {
  of: 'pair' | 'captions';
  value: number;
}

/**
 * Returns the probability of each result. It is the probability of the pair if the model computes one. Otherwise it is
 * the softmax over all captions.
 * @param logitScale the factor by which cosines are multiplied before the softmax; undefined when it is unknown.
 */
export function probabilitiesOf(
  results: readonly { cosine: number; probability?: number | undefined }[],
  logitScale: number | undefined,
): (Share | undefined)[] {
  if (results.some(({ probability }) => probability !== undefined)) {
    return results.map(({ probability }) =>
      probability === undefined ? undefined : { of: 'pair', value: probability },
    );
  }
  if (logitScale === undefined || results.length < 2) return results.map(() => undefined);
  const shares = sharesOf(
    results.map(({ cosine }) => cosine),
    logitScale,
  );
  return shares.map((value) => ({ of: 'captions', value }));
}

/**
 * Returns the softmax over `logitScale * cosine`: the probability of each text on the assumption that exactly one is
 * right.
 */
function sharesOf(cosines: number[], logitScale: number): number[] {
  const highest = Math.max(...cosines);
  const powers = cosines.map((cosine) => Math.exp(logitScale * (cosine - highest)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
