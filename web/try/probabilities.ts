/** The probability of a text, and what it is compared with. */
export interface Share {
  of: 'pair' | 'captions';
  value: number;
}

/**
 * Returns the probability of each result: the model's probability of the pair if it has one, else the softmax over the
 * captions.
 * @param logitScale the factor of a cosine before the softmax; undefined where it is unknown.
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

/** Returns the softmax over `logitScale * cosine`: the probability of each text if exactly one is right. */
function sharesOf(cosines: number[], logitScale: number): number[] {
  const highest = Math.max(...cosines);
  const powers = cosines.map((cosine) => Math.exp(logitScale * (cosine - highest)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
