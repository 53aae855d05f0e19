import { expect, test } from 'vitest';
import { bandsAround } from '../../../web/batches/judge/bands.ts';
import { type Estimate, estimatorOf } from '../../../web/batches/judge/estimate.ts';
import { createRandom, shuffled } from '../../../web/batches/judge/random.ts';
import type { Label } from '../../../web/batches/judge/score-cells.ts';

type Random = () => number;

/** With 200 samples, the intervals have the true precision in at least 89 %, and at most 10 % of the suggestions fail. */
const samples = 20;
const wanted = 0.95;
const thresholds = Array.from({ length: 600 }, (_, at) => at / 10);

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const logistic = (score: number): number => 1 / (1 + Math.exp(-(score - 25) / 2));

/** Kinds of batches: the threshold around which pairs are judged, the number of pairs, and a random pair. */
const kinds: Record<string, [threshold: number, size: number, draw: (random: Random) => Label]> = {
  'a chance of right pairs that rises slowly': [25, 2_000, (random) => withChance(random() * 50, logistic, random)],
  'a threshold far above the wrong pairs': [36, 2_000, (random) => withChance(random() * 50, logistic, random)],
  'one of a hundred kept pairs wrong': [25, 2_000, (random) => withWrong(0.01, random)],
  'three of a hundred kept pairs wrong': [25, 2_000, (random) => withWrong(0.03, random)],
  'one of twenty kept pairs wrong, in a small batch': [25, 200, (random) => withWrong(0.05, random)],
  'one of ten kept pairs wrong': [25, 2_000, (random) => withWrong(0.1, random)],
  'two groups of scores': [
    30,
    1_000,
    (random) => {
      const isRight = random() < 0.6;
      return { score: isRight ? 30 + 3 * normal(random) : Math.max(0, 19 + 3.5 * normal(random)), isRight };
    },
  ],
};

const withChance = (score: number, chanceAt: (score: number) => number, random: Random): Label => ({
  score,
  isRight: random() < chanceAt(score),
});
const withWrong = (share: number, random: Random): Label =>
  withChance(random() * 50, (score) => (score >= 25 ? 1 - share : 0.02), random);

function histogramOf(pairs: readonly Label[]): { from: number; to: number; count: number }[] {
  const counts = new Array<number>(240).fill(0);
  for (const { score } of pairs) counts[Math.floor(4 * score)] = (counts[Math.floor(4 * score)] ?? 0) + 1;
  return counts.map((count, at) => ({ from: at / 400, to: (at + 1) / 400, count }));
}

/** Returns the first labels of a sample as the page collects them: one of each range of scores after the other. */
function labelsOf(pairs: readonly Label[], threshold: number, random: Random, count: number): Label[] {
  const ranges = bandsAround(histogramOf(pairs), threshold).map(({ from, to, wanted: most }) =>
    shuffled(
      pairs.filter(({ score }) => score >= from && score < to),
      random,
    ).slice(0, most),
  );
  return Array.from({ length: 20 }, (_, round) => ranges.flatMap((range) => range[round] ?? []))
    .flat()
    .slice(0, count);
}

function precisionAt(pairs: readonly Label[], threshold: number): number {
  const kept = pairs.filter(({ score }) => score >= threshold);
  return kept.filter(({ isRight }) => isRight).length / kept.length;
}

const isInside = (value: number, { low, high }: Estimate): boolean => value >= low - 1e-9 && value <= high + 1e-9;

test.each(Object.keys(kinds).flatMap((kind) => [30, 90].map((labels) => [kind, labels] as const)))(
  'with %s, the intervals from %d labels have the true precision, also at a suggested threshold',
  (kind, count) => {
    const [threshold, size, draw] = kinds[kind] ?? [];
    if (threshold === undefined || size === undefined || draw === undefined) throw new Error(`no kind ${kind}`);
    let hits = 0;
    let misled = 0;
    for (let seed = 0; seed < samples; seed++) {
      const random = createRandom(seed * 7_919);
      const pairs = Array.from({ length: size }, () => draw(random));
      const estimator = estimatorOf(histogramOf(pairs), labelsOf(pairs, threshold, random, count));
      const precision = estimator?.judge(threshold).precision;
      if (precision && isInside(precisionAt(pairs, threshold), precision)) hits++;
      const suggested = estimator?.suggest(thresholds, wanted);
      if (estimator === undefined || suggested === undefined) continue;
      const there = estimator.judge(suggested).precision;
      expect(there.value).toBeGreaterThanOrEqual(wanted);
      if (!isInside(precisionAt(pairs, suggested), there)) misled++;
    }
    expect(hits / samples).toBeGreaterThanOrEqual(0.75);
    expect(misled / samples).toBeLessThanOrEqual(0.25);
  },
);
