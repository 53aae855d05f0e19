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
