/** The probability of a text: of the pair by itself, or among all captions of the request. */
export interface Share {
  of: 'pair' | 'captions';
  value: number;
}

/**
 * Returns the probability of each pair if the model computes it, otherwise the softmax over all captions.
 * @param logitScale multiplies cosines before the softmax; undefined when unknown.
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

/** Returns the softmax of `logitScale * cosine`: the probability of each text if exactly one is right. */
function sharesOf(cosines: number[], logitScale: number): number[] {
  const highest = Math.max(...cosines);
  const powers = cosines.map((cosine) => Math.exp(logitScale * (cosine - highest)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
