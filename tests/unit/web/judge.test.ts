import { describe, expect, test } from 'vitest';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { bandsAround } from '../../../web/batches/judge/bands.ts';
import { cautionWords } from '../../../web/batches/judge/caution-words.ts';
import { estimatorOf, intervalPercents, type Judgement, percentWords } from '../../../web/batches/judge/estimate.ts';
import { labelColumnOf, labelOf } from '../../../web/batches/judge/label-words.ts';
import { labelsAsCsv } from '../../../web/batches/judge/labelled-sample.ts';
import { sampleSize } from '../../../web/batches/judge/sample.ts';
import type { Label } from '../../../web/batches/judge/score-cells.ts';
import { countIfTooFew, tooFewWords } from '../../../web/batches/judge/too-few-pairs.ts';
import { distinctPairs } from '../../../web/batches/workbench/distinct-pairs.ts';

/** 10,000 pairs with scores from 0 to 50. */
const histogram = Array.from({ length: 50 }, (_, at) => ({ from: at / 100, to: (at + 1) / 100, count: 200 }));

const judge = (bins: typeof histogram, labels: readonly Label[], threshold: number): Judgement | undefined =>
  estimatorOf(bins, labels)?.judge(threshold);

const thresholds = Array.from({ length: 500 }, (_, at) => at / 10);

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

test('the size of a sample is known before it is drawn', () => {
  expect(sampleSize({ histogram }, 25)).toBe(100);
  expect(sampleSize({ histogram: histogram.map((bin) => ({ ...bin, count: 1 })) }, 25)).toBeLessThanOrEqual(50);
});

describe('precision and recall', () => {
  test('of labels without doubt are known', () => {
    const labels = Array.from({ length: 100 }, (_, at) => ({ score: at / 2, isRight: at >= 50 }));
    const verdict = judge(histogram, labels, 25);
    expect(verdict?.precision.value).toBeGreaterThan(0.97);
    expect(verdict?.recall.value).toBeGreaterThan(0.97);
    expect(verdict?.precision.high).toBeGreaterThan(0.999);
    // A hundred labels leave room for doubt.
    expect(verdict?.precision.low).toBeLessThan(1);
    expect(verdict?.precision.low).toBeGreaterThan(0.9);
  });

  test('are certain if all pairs are judged', () => {
    const labels = Array.from({ length: 50 }, (_, at) => ({ score: at, isRight: at >= 20 && at !== 40 }));
    const all = histogram.map((bin) => ({ ...bin, count: 1 }));
    const verdict = judge(all, labels, 25);
    expect(verdict?.precision).toEqual({ value: 24 / 25, low: 24 / 25, high: 24 / 25 });
    expect(verdict?.recall).toEqual({ value: 24 / 29, low: 24 / 29, high: 24 / 29 });
  });

  test('are exact if all pairs are judged, also when the threshold is inside a bin of the histogram', () => {
    const bins = [
      { from: 0.1, to: 0.11, count: 10 },
      { from: 0.3, to: 0.31, count: 10 },
    ];
    const labels = Array.from({ length: 20 }, (_, at) => ({ score: at < 10 ? 10.1 : 30.1, isRight: at >= 10 }));
    expect(judge(bins, labels, 10.5)?.precision).toEqual({ value: 1, low: 1, high: 1 });
  });

  test('are 100 % only if they are whole, and intervals are rounded away from each other', () => {
    expect([1, 0.996, 0.952, 0.004, 0].map(percentWords)).toEqual(['100', '>99', '95', '<1', '0']);
    expect(intervalPercents({ value: 0.98, low: 0.928, high: 0.9952 })).toEqual([92, 100]);
    expect(intervalPercents({ value: 0.29, low: 0.29, high: 0.29 })).toEqual([29, 29]);
  });

  test('leave room for any share of right pairs among the lowest pairs if none of them has a label', () => {
    // All labels are above 20, where two thirds are right. 4,000 pairs are below, 2,000 from 20 to 30, 4,000 from 30 on.
    const labels = Array.from({ length: 90 }, (_, at) => ({ score: 20 + at / 3, isRight: at % 3 !== 0 }));
    const recall = judge(histogram, labels, 30)?.recall;
    const ifRight = (share: number) => 4_000 / (6_000 + 4_000 * share);
    expect(recall?.low).toBeLessThan(ifRight(0.95));
    expect(recall?.high).toBeGreaterThan(ifRight(0.15));
    expect(recall?.value).toBeCloseTo(ifRight(0.5), 1);
    const wrong = Array.from({ length: 10 }, (_, at) => ({ score: at, isRight: false }));
    const known = judge(histogram, [...labels, ...wrong], 30)?.recall;
    expect(known?.low).toBeGreaterThan(recall?.low ?? 1);
  });

  test('are estimated without a label as unknown', () => {
    expect(judge(histogram, [], 25)).toBeUndefined();
  });
});

describe('a suggested threshold', () => {
  test('is none if no threshold has the precision', () => {
    expect(estimatorOf(histogram, [{ score: 30, isRight: false }])?.suggest(thresholds, 0.95)).toBeUndefined();
  });

  test('is above the wrong pairs below the first right one that it keeps', () => {
    const labels = [
      ...[10, 13.2, 17.1].map((score) => ({ score, isRight: false })),
      ...Array.from({ length: 40 }, (_, at) => ({ score: 33 + at / 10, isRight: true })),
    ];
    const bins = (some: readonly Label[]) =>
      Array.from({ length: 50 }, (_, at) => ({
        ...{ from: at / 100, to: (at + 1) / 100 },
        count: some.filter(({ score }) => Math.floor(score) === at).length,
      }));
    const suggest = (some: readonly Label[]) => estimatorOf(bins(some), some)?.suggest(thresholds, 0.9);
    expect(suggest(labels)).toBe(17.2);
    // A wrong pair above the first right one cannot be left out without a loss.
    expect(suggest([...labels, { score: 33.05, isRight: false }])).toBe(17.2);
    expect(suggest(labels.slice(3))).toBe(0);
  });

  test('agrees with the precision that is shown at each threshold, which does not fall when the threshold rises', () => {
    const right = Array.from({ length: 29 }, (_, at) => ({ score: 21 + at, isRight: true }));
    const labels = [...[0.2, 0.4, 7.3].map((score) => ({ score, isRight: false })), ...right];
    const estimator = estimatorOf(histogram, labels);
    const shown = thresholds
      .filter((threshold) => threshold <= 49)
      .map((at) => estimator?.judge(at).precision.value ?? 0);
    const wanted = [0.9, 0.95, 0.97];
    for (const each of wanted) {
      const suggested = estimator?.suggest(thresholds, each) ?? Number.NaN;
      expect(shown[Math.round(10 * suggested)]).toBeGreaterThanOrEqual(each);
      expect(shown.findIndex((value) => value >= each) / 10).toBeCloseTo(suggested, 1);
    }
    const most = Math.max(...shown);
    expect(estimator?.suggest(thresholds, most + 0.001)).toBeUndefined();
    for (const [at, value] of shown.entries()) expect(value).toBeGreaterThan((shown[at - 1] ?? 0) - 0.002);
  });
});

test('a suggestion from few labels has a caution, and advice while there are pairs to judge', () => {
  expect(cautionWords({ value: 0.95, low: 0.9, high: 1 }, 0.95, 60, 100)).toBeUndefined();
  const uncertain = { value: 0.95, low: 0.612, high: 0.997 };
  expect(cautionWords(uncertain, 0.65, 12, 100)).toBeUndefined();
  const words = 'From 12 labels, this precision may also be 61 %';
  expect(cautionWords(uncertain, 0.95, 12, 100)).toBe(`${words}; judge more pairs.`);
  expect(cautionWords(uncertain, 0.95, 12, 12)).toBe(`${words}.`);
});

test('the column with labels is found by its name and its values', () => {
  const columnOf = (...rows: (Record<string, unknown> | undefined)[]) =>
    labelColumnOf(rows.map((metadata) => ({ ...(metadata !== undefined && { metadata }) })));
  expect(columnOf({ price: '1', match: 'yes' })).toBe('match');
  expect(columnOf({ label: 'cat' })).toBeUndefined();
  expect(columnOf(undefined)).toBeUndefined();
  expect(columnOf({ Label: '1' })).toBe('Label');
  expect(columnOf({ MATCH: 'yes', 'Label ': 'no' })).toBe('Label ');
});

test('the column with labels may have empty cells, but not mostly other words', () => {
  const columnOf = (...values: unknown[]) => labelColumnOf(values.map((label) => ({ metadata: { label } })));
  expect(columnOf('', ' ', null, undefined, '', '1')).toBe('label');
  expect(columnOf('1', '0', 'unsure')).toBe('label');
  expect(columnOf(...Array(10).keys())).toBeUndefined();
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
