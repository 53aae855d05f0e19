import { describe, expect, test } from 'vitest';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { bandsAround, cutAt } from '../../../web/batches/judge/bands.ts';
import { cautionWords } from '../../../web/batches/judge/caution-words.ts';
import {
  intervalPercents,
  judge,
  judgeSuggested,
  type Label,
  percentWords,
  suggest,
} from '../../../web/batches/judge/estimate.ts';
import { labelColumnOf, labelOf } from '../../../web/batches/judge/label-words.ts';
import { labelsAsCsv } from '../../../web/batches/judge/labelled-sample.ts';
import { createRandom, shuffled } from '../../../web/batches/judge/random.ts';
import { countIfTooFew, tooFewWords } from '../../../web/batches/judge/too-few-pairs.ts';
import { distinctPairs } from '../../../web/batches/workbench/distinct-pairs.ts';

/** 10,000 pairs with scores from 0 to 50. A pair is right with a probability that rises around 25. */
const histogram = Array.from({ length: 50 }, (_, at) => ({ from: at / 100, to: (at + 1) / 100, count: 200 }));
const chanceAt = (score: number) => 1 / (1 + Math.exp(-(score - 25) / 2));

const truth = (threshold: number) => {
  const scores = Array.from({ length: 10_000 }, (_, at) => at / 200);
  const sum = (from: number) => scores.reduce((all, score) => all + (score >= from ? chanceAt(score) : 0), 0);
  const kept = scores.filter((score) => score >= threshold).length;
  return { precision: sum(threshold) / kept, recall: sum(threshold) / sum(0) };
};

/** Labels as the page collects them: some pairs of each band, at random. */
function labelsFor(threshold: number, seed: number): { labels: Label[]; edges: number[] } {
  const random = createRandom(seed);
  const bands = bandsAround(histogram, threshold);
  const labels = bands.flatMap(({ from, to, wanted }) =>
    Array.from({ length: wanted }, () => {
      const score = from + random() * (Math.min(50, to) - from);
      return { score, isRight: random() < chanceAt(score) };
    }),
  );
  return { labels, edges: bands.map(({ from }) => from) };
}

test('a sample has about a hundred pairs, most of them next to the threshold', () => {
  for (const threshold of [5, 25, 45]) {
    const bands = bandsAround(histogram, threshold);
    const wanted = bands.reduce((sum, band) => sum + band.wanted, 0);
    expect(wanted).toBeGreaterThanOrEqual(60);
    expect(wanted).toBeLessThanOrEqual(100);
    expect(bands.some(({ from }) => from === threshold)).toBe(true);
    for (const [at, { from, to }] of bands.entries()) {
      expect(to).toBeGreaterThan(from);
      if (at > 0) expect(from).toBe(bands[at - 1]?.to);
    }
  }
});

test('bands that are cut at a threshold have all pairs of the batch', () => {
  const bands = cutAt(histogram, [10, 20, 30], 22.5);
  expect(bands.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
  expect(bands.find(({ from }) => from === 22.5)?.count).toBe(1_500);
});

describe('precision and recall', () => {
  test('of labels without doubt are known', () => {
    const labels = Array.from({ length: 100 }, (_, at) => ({ score: at / 2, isRight: at >= 50 }));
    const verdict = judge(cutAt(histogram, [10, 20, 25, 30, 40], 25), labels, 25);
    expect(verdict?.precision.value).toBe(1);
    expect(verdict?.recall.value).toBe(1);
    // A hundred labels leave room for doubt.
    expect(verdict?.precision.low).toBeLessThan(1);
    expect(verdict?.precision.low).toBeGreaterThan(0.9);
  });

  test('lie in their intervals for nineteen of twenty samples, or nearly so', () => {
    let hits = 0;
    for (let seed = 0; seed < 60; seed++) {
      const { labels, edges } = labelsFor(25, seed * 7_919);
      const verdict = judge(cutAt(histogram, edges, 25), labels, 25);
      const { precision, recall } = truth(25);
      if (verdict === undefined) continue;
      if (precision >= verdict.precision.low && precision <= verdict.precision.high) hits++;
      if (recall >= verdict.recall.low && recall <= verdict.recall.high) hits++;
    }
    expect(hits / 120).toBeGreaterThan(0.88);
  });

  test.each([0.01, 0.03, 0.05, 0.1])(
    'lie in their intervals if a share of %d of the kept pairs is wrong, at random',
    (wrong) => {
      const sizes = [200, 10_000];
      let hits = 0;
      for (let seed = 0; seed < 60; seed++) {
        const random = createRandom(seed * 7_919);
        const pairs = Array.from({ length: sizes[seed % 2] ?? 0 }, () => {
          const score = random() * 50;
          return { score, isRight: random() < (score >= 25 ? 1 - wrong : 0.02) };
        });
        const histogramHere = histogram.map(({ from, to }) => ({
          ...{ from, to },
          count: pairs.filter(({ score }) => score >= from * 100 && score < to * 100).length,
        }));
        const bands = bandsAround(histogramHere, 25);
        const labels = bands.flatMap(({ from, to, wanted }) =>
          shuffled(
            pairs.filter(({ score }) => score >= from && score < to),
            random,
          ).slice(0, wanted),
        );
        const edges = bands.map(({ from }) => from);
        const precision = judge(cutAt(histogramHere, edges, 25), labels, 25)?.precision ?? { low: 1, high: 0 };
        const kept = pairs.filter(({ score }) => score >= 25);
        const value = kept.filter(({ isRight }) => isRight).length / kept.length;
        if (value >= precision.low - 1e-9 && value <= precision.high + 1e-9) hits++;
      }
      expect(hits / 60).toBeGreaterThan(0.88);
    },
  );

  test('are certain if all pairs are judged', () => {
    const labels = Array.from({ length: 50 }, (_, at) => ({ score: at, isRight: at >= 20 && at !== 40 }));
    const all = histogram.map((bin) => ({ ...bin, count: 1 }));
    const verdict = judge(cutAt(all, [10, 20, 30, 40], 25), labels, 25);
    expect(verdict?.precision).toEqual({ value: 24 / 25, low: 24 / 25, high: 24 / 25 });
    expect(verdict?.recall).toEqual({ value: 24 / 29, low: 24 / 29, high: 24 / 29 });
  });

  test('are exact if all pairs are judged, also when the threshold is inside a bin of the histogram', () => {
    const bins = [
      { from: 0.1, to: 0.11, count: 10 },
      { from: 0.3, to: 0.31, count: 10 },
    ];
    const labels = Array.from({ length: 20 }, (_, at) => ({ score: at < 10 ? 10.1 : 30.1, isRight: at >= 10 }));
    expect(judge(cutAt(bins, [], 10.5), labels, 10.5)?.precision).toEqual({ value: 1, low: 1, high: 1 });
  });

  test('are 100 % only if they are whole, and intervals are rounded away from each other', () => {
    expect([1, 0.996, 0.952, 0.004, 0].map(percentWords)).toEqual(['100', '>99', '95', '<1', '0']);
    expect(intervalPercents({ value: 0.98, low: 0.928, high: 0.9952 })).toEqual([92, 100]);
    expect(intervalPercents({ value: 0.29, low: 0.29, high: 0.29 })).toEqual([29, 29]);
  });

  test('leave room for any share of right pairs among the lowest pairs if none of them has a label', () => {
    // All labels are above 20, where two thirds are right. 4,000 pairs are below, 2,000 from 20 to 30, 4,000 from 30 on.
    const labels = Array.from({ length: 90 }, (_, at) => ({ score: 20 + at / 3, isRight: at % 3 !== 0 }));
    const recall = judge(cutAt(histogram, [20], 30), labels, 30)?.recall;
    const ifRight = (share: number) => 4_000 / (6_000 + 4_000 * share);
    expect(recall?.low).toBeLessThan(ifRight(0.95));
    expect(recall?.high).toBeGreaterThan(ifRight(0.05));
    expect(recall?.value).toBeCloseTo(ifRight(0.5), 1);
    const wrong = Array.from({ length: 10 }, (_, at) => ({ score: at, isRight: false }));
    const known = judge(cutAt(histogram, [20], 30), [...labels, ...wrong], 30)?.recall;
    expect(known?.low).toBeGreaterThan(recall?.low ?? 1);
  });

  test('are estimated without a label as unknown', () => {
    expect(judge(cutAt(histogram, [], 25), [], 25)).toBeUndefined();
  });
});

test('a suggested threshold has about the wanted precision', () => {
  const thresholds = Array.from({ length: 500 }, (_, at) => at / 10);
  const found = [1, 2, 3, 4, 5].map((seed) => {
    const { labels, edges } = labelsFor(25, seed * 104_729);
    return suggest(thresholds, (each) => cutAt(histogram, edges, each), labels, 0.95) ?? Number.NaN;
  });
  for (const threshold of found) expect(truth(threshold).precision).toBeGreaterThan(0.85);
  const none = [{ score: 30, isRight: false }];
  expect(suggest(thresholds, (each) => cutAt(histogram, [], each), none, 0.95)).toBeUndefined();
});

test('a suggested threshold is above the wrong pairs below the first right one that it keeps', () => {
  const thresholds = Array.from({ length: 500 }, (_, at) => at / 10);
  const labels = [
    ...[10, 13.2, 17.1].map((score) => ({ score, isRight: false })),
    ...Array.from({ length: 40 }, (_, at) => ({ score: 33 + at / 10, isRight: true })),
  ];
  const bandsAt = (threshold: number) => [
    { from: 0, to: threshold, count: labels.filter(({ score }) => score < threshold).length },
    { from: threshold, to: 101, count: labels.filter(({ score }) => score >= threshold).length },
  ];
  expect(suggest(thresholds, bandsAt, labels, 0.9)).toBe(17.2);
  // A wrong pair above the first right one cannot be left out without a loss.
  expect(suggest(thresholds, bandsAt, [...labels, { score: 33.05, isRight: false }], 0.9)).toBe(17.2);
  expect(suggest(thresholds, bandsAt, labels.slice(3), 0.9)).toBe(0);
});

test('the precision at a suggested threshold counts the wrong pair that the threshold excludes', () => {
  const labels = [
    { score: 17.1, isRight: false },
    ...Array.from({ length: 40 }, (_, at) => ({ score: 33 + at / 10, isRight: true })),
  ];
  const bands = [
    { from: 0, to: 17.2, count: 50 },
    { from: 17.2, to: 101, count: 400 },
  ];
  const there = judgeSuggested(bands, labels, 17.2);
  const asLabelled = judge(bands, labels, 17.2)?.precision;
  expect(there?.value).toBeCloseTo(40 / 41, 3);
  expect(there?.low).toBeLessThan((asLabelled?.low ?? 0) - 0.02);
  expect([there?.high, asLabelled?.value]).toEqual([1, 1]);
  expect(judgeSuggested(bands, labels.slice(1), 17.2)).toEqual(judge(bands, labels.slice(1), 17.2)?.precision);
});

test('a suggestion from few labels has a caution, and advice while there are pairs to judge', () => {
  expect(cautionWords({ value: 0.95, low: 0.9, high: 1 }, 0.95, 60, 100)).toBeUndefined();
  const uncertain = { value: 0.95, low: 0.612, high: 0.997 };
  expect(cautionWords(uncertain, 0.65, 12, 100)).toBeUndefined();
  const words = 'From 12 labels, this precision may also be 61 %';
  expect(cautionWords(uncertain, 0.95, 12, 100)).toBe(`${words}; judge more pairs.`);
  expect(cautionWords(uncertain, 0.95, 12, 12)).toBe(`${words}.`);
});

test('the column with labels is found by its name and its value', () => {
  expect(labelColumnOf({ price: '1', match: 'yes' })).toBe('match');
  expect(labelColumnOf({ label: 'cat' })).toBeUndefined();
  expect(labelColumnOf(undefined)).toBeUndefined();
});

test('labels of a column are read in the usual words', () => {
  expect([1, '1', true, 'Yes', ' right '].map(labelOf)).toEqual([true, true, true, true, true]);
  expect([0, 'no', false, 'WRONG'].map(labelOf)).toEqual([false, false, false, false]);
  expect([undefined, null, 'cat', 2, ''].map(labelOf)).toEqual(Array(5).fill(undefined));
});

test('exported labels are CSV, with quotes where they are needed', () => {
  const pair = {
    ...{ index: 3, id: undefined, score: 12.5, image: null, imagePath: undefined },
    ...{ text: 'a "cat", sleeping', isRight: true },
  };
  const csv = labelsAsCsv([pair, { ...pair, index: 4, isRight: undefined }]);
  expect(csv).toBe('index,id,image,text,score,label\n3,,,"a ""cat"", sleeping",12.5,1\n');
});

test('an exported label has the path of its image where there is no address', () => {
  const pair = { index: 3, id: undefined, score: 12.5, text: 'a cat', isRight: false };
  const csv = labelsAsCsv([
    { ...pair, image: null, imagePath: 'photos/cat.jpg' },
    { ...pair, image: 'https://example.org/cat.jpg', imagePath: 'photos/cat.jpg' },
  ]);
  expect(csv).toBe(
    'index,id,image,text,score,label\n3,,photos/cat.jpg,a cat,12.5,0\n3,,https://example.org/cat.jpg,a cat,12.5,0\n',
  );
});

describe('too few different pairs', () => {
  const result = (index: number, image: string | null, score: number): ItemResult => ({
    index,
    status: 'succeeded',
    image,
    text: 'a cat',
    score,
    cosine: score / 100,
  });

  test('are counted without duplicates, and images without an address differ by their scores', () => {
    const pairs = [result(0, 'https://a/1', 30), result(1, 'https://a/1', 30), result(2, 'https://a/2', 30)];
    const files = [result(3, null, 30), result(4, null, 30), result(5, null, 31)];
    expect(distinctPairs([...pairs, ...files]).map(({ index }) => index)).toEqual([0, 2, 3, 5]);
  });

  const counted = async (pairs: readonly ItemResult[]) => {
    const read: number[] = [];
    const count = await countIfTooFew(
      pairs.length,
      async (enough) => {
        read.push(enough);
        return pairs.slice(0, enough);
      },
      distinctPairs,
    );
    return { count, read };
  };
  const repeated = (rows: number, different: number) =>
    Array.from({ length: rows }, (_, at) => result(at, `https://a/${at % different}`, 30));

  test('are found before the start, and no more is read than needed', async () => {
    expect(await counted(repeated(60, 7))).toEqual({ count: 7, read: [100] });
    expect(await counted(repeated(500, 9))).toEqual({ count: 9, read: [100, 1_000] });
    expect(await counted([])).toEqual({ count: 0, read: [100] });
    expect(await counted(repeated(60, 10))).toEqual({ count: undefined, read: [100] });
    expect(await counted(repeated(20_000, 3))).toEqual({ count: undefined, read: [100, 1_000, 10_000] });
  });

  test('are explained with the number of labels that are needed', () => {
    const rest = 'to judge. Precision and recall need 10 labels, so they cannot be estimated.';
    expect(tooFewWords('This batch', 7, 'different pair')).toBe(`This batch has only 7 different pairs ${rest}`);
    expect(tooFewWords('This sample', 1, 'pair')).toBe(`This sample has only 1 pair ${rest}`);
    expect(tooFewWords('This sample', 0, 'pair')).toBe(`This sample has no pair ${rest}`);
    expect(tooFewWords('This sample', 10, 'pair')).toBeUndefined();
  });
});
