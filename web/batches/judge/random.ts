/**
 * Creates a generator of random numbers from 0 to 1. A seed always gives the same numbers, so an estimate can be
 * repeated.
 */
export function createRandom(seed: number): () => number {
  let state = (seed + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

export function drawBeta(random: () => number, a: number, b: number): number {
  const [x, y] = [drawGamma(random, a), drawGamma(random, b)];
  return x / (x + y);
}

/** The number of trials from which a normal distribution replaces single trials. */
const manyTrials = 200;

/** Returns a random number of successes in independent trials with equal chances. */
export function drawBinomial(random: () => number, trials: number, chance: number): number {
  if (trials >= manyTrials) {
    const drawn = trials * chance + Math.sqrt(trials * chance * (1 - chance)) * drawNormal(random);
    return Math.min(trials, Math.max(0, drawn));
  }
  let successes = 0;
  for (let trial = 0; trial < trials; trial++) if (random() < chance) successes++;
  return successes;
}

const drawNormal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Returns a random number from a Gamma distribution (Marsaglia and Tsang, 2000). */
function drawGamma(random: () => number, shape: number): number {
  if (shape < 1) return drawGamma(random, shape + 1) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = drawNormal(random);
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * normal ** 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
