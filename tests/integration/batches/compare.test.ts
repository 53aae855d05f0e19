import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOfList } from '../../../formats/items.ts';
import { type Engine, item, startEngine, tenant } from '../../support/engine.ts';
import { ofOne, ofOther, postAll, total } from '../../support/two-batches.ts';

let engine: Engine;
let one: string;
let other: string;
/** The results of `other`, by the model of `one`. */
let alike: string;

beforeAll(async () => {
  engine = await startEngine();
  one = await postAll(engine, ofOne);
  other = await postAll(engine, ofOther, 'another model');
  alike = await postAll(engine, ofOther);
});
afterAll(() => engine.close());

/** The items with a score in both batches. */
const pairs = ofOne.flatMap((own, index) => {
  const its = ofOther[index];
  return own.status === 'succeeded' && its?.status === 'succeeded' ? [{ index, own, its }] : [];
});

/** Ranks by sorting, in which equal values share their mean rank. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}

function pearson(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const sum = (of: (x: number, y: number) => number) =>
    xs.reduce((all, x, at) => all + of(x - mx, (ys[at] ?? 0) - my), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
}

test('the rank correlation is that of plain ranks with ties, and the differences are means', async () => {
  const compared = await engine.batches.compare(tenant, one, { other });
  const ranks = ranksOf(pairs.map(({ own }) => own.cosine));
  const otherRanks = ranksOf(pairs.map(({ its }) => its.cosine));
  expect(compared).toMatchObject({ items: total, compared: pairs.length, sides: null });
  expect(compared.rankCorrelation).toBeCloseTo(pearson(ranks, otherRanks), 6);
  const differences = pairs.map(({ own, its }) => own.score - its.score);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(compared.meanDifference).toBeCloseTo(mean(differences), 3);
  expect(compared.meanAbsoluteDifference).toBeCloseTo(mean(differences.map(Math.abs)), 3);

  const byRank = pairs
    .map(({ index }, at) => ({ index, value: (ranks[at] ?? 0) - (otherRanks[at] ?? 0) }))
    .sort((a, b) => b.value - a.value || a.index - b.index);
  expect(compared.disagreements.higherHere.map(({ index }) => index)).toEqual(
    byRank
      .filter(({ value }) => value > 0)
      .slice(0, 12)
      .map(({ index }) => index),
  );
  const [first] = compared.disagreements.higherHere;
  const its = ofOther[first?.index ?? -1];
  expect(its?.status === 'succeeded' && its.score).toBe(first?.otherScore);
  expect(first?.text).toBe(`text ${first?.index}`);
  const { higherThere } = (await engine.batches.compare(tenant, one, { other, disagreements: 3 })).disagreements;
  expect(higherThere).toHaveLength(3);
});

test('each item is in one bin and on one side, and the default threshold keeps as many items there', async () => {
  const { bins, sides } = await engine.batches.compare(tenant, one, { other, threshold: 20, otherThreshold: 30 });
  const passes = (score: number, from: number, width: number) => score >= from - 1e-9 && score < from + width - 1e-9;
  for (const { from, otherFrom, count } of bins.cells) {
    const inside = pairs.filter(
      ({ own, its }) => passes(own.score, from, bins.width) && passes(its.score, otherFrom, bins.otherWidth),
    );
    expect(count).toBe(inside.length);
  }
  expect(bins.cells.reduce((sum, { count }) => sum + count, 0)).toBe(pairs.length);
  const count = (here: boolean, there: boolean) =>
    pairs.filter(({ own, its }) => own.score >= 20 === here && its.score >= 30 === there).length;
  expect(sides).toEqual({
    ...{ threshold: 20, otherThreshold: 30 },
    ...{ both: count(true, true), onlyThis: count(true, false) },
    ...{ onlyOther: count(false, true), neither: count(false, false) },
  });
  const alike = (await engine.batches.compare(tenant, one, { other, threshold: 20 })).sides;
  const kept = pairs.filter(({ own }) => own.score >= 20).length;
  const keptThere = pairs.filter(({ its }) => its.score >= (alike?.otherThreshold ?? 0)).length;
  expect(keptThere).toBeLessThanOrEqual(kept);
  const lower = pairs.map(({ its }) => its.score).filter((score) => score < (alike?.otherThreshold ?? 0));
  const next = Math.max(...lower);
  expect(pairs.filter(({ its }) => its.score >= next).length).toBeGreaterThan(kept);
});

test('items with a score in only one of the batches are counted, and those of them that reach its threshold', async () => {
  const query = { other, threshold: 20, otherThreshold: 30 };
  const { unmatched, sides } = await engine.batches.compare(tenant, one, query);
  const scores = (of: typeof ofOne, without: typeof ofOne) =>
    of.flatMap((result, index) =>
      result.status === 'succeeded' && without[index]?.status !== 'succeeded' ? [result.score] : [],
    );
  const [here, there] = [scores(ofOne, ofOther), scores(ofOther, ofOne)];
  const reaching = [here.filter((score) => score >= 20).length, there.filter((score) => score >= 30).length];
  // The batches have such items on both sides of the thresholds.
  for (const [at, { length }] of [here, there].entries()) expect(reaching[at]).toSatisfy((n) => n > 0 && n < length);
  expect(unmatched).toEqual({
    onlyThis: { items: here.length, reaching: reaching[0] },
    onlyOther: { items: there.length, reaching: reaching[1] },
  });
  expect((sides?.both ?? 0) + (sides?.onlyThis ?? 0)).toBe(pairs.filter(({ own }) => own.score >= 20).length);
  const without = await engine.batches.compare(tenant, one, { other });
  expect(without.unmatched.onlyThis).toEqual({ items: here.length, reaching: null });
});

test('two batches of one model get the same threshold, and their scores are compared in place of their ranks', async () => {
  const { sides, disagreements } = await engine.batches.compare(tenant, one, { other: alike, threshold: 20 });
  expect(sides).toMatchObject({ threshold: 20, otherThreshold: 20 });
  const byScore = pairs
    .map(({ index, own, its }) => ({ index, value: Math.round(1e4 * (own.score - its.score)) }))
    .sort((a, b) => b.value - a.value || a.index - b.index);
  expect(disagreements.higherHere.map(({ index }) => index)).toEqual(
    byScore
      .filter(({ value }) => value > 0)
      .slice(0, 12)
      .map(({ index }) => index),
  );
  for (const { score, otherScore } of disagreements.higherThere) expect(otherScore).toBeGreaterThan(score);
});

test('a page of results of two batches has both scores, and the text of the other batch where it differs', async () => {
  const own = await engine.postItems(itemsOfList([item(0), item(1)], 'lenient'));
  const its = await engine.postItems(itemsOfList([item(0), { ...item(1), text: 'another text' }], 'lenient'));
  for (const [{ id }, cosine] of [
    [own, 0.25],
    [its, 0.5],
  ] as const) {
    await engine.commit(id, 0, [
      { index: 0, status: 'succeeded', cosine, score: 100 * cosine },
      { index: 1, status: 'succeeded', cosine, score: 100 * cosine },
    ]);
  }
  const read = (items: 'true' | 'false') => engine.batches.results(tenant, own.id, { other: its.id, items });
  expect((await read('true')).results).toMatchObject([
    { index: 0, score: 25, otherScore: 50, text: 'text 0' },
    { index: 1, score: 25, otherScore: 50, text: 'text 1', otherText: 'another text' },
  ]);
  expect((await read('true')).results[0]).not.toHaveProperty('otherText');
  expect((await read('false')).results[1]).toMatchObject({ otherScore: 50 });
  expect((await read('false')).results[1]).not.toHaveProperty('otherText');
});

test('a batch compared with itself agrees, and a batch of another length is refused', async () => {
  const same = await engine.batches.compare(tenant, one, { other: one, threshold: 20 });
  expect(same).toMatchObject({ rankCorrelation: 1, meanDifference: 0 });
  expect(same.sides).toMatchObject({ otherThreshold: 20, onlyThis: 0, onlyOther: 0 });
  expect(same.disagreements).toEqual({ higherHere: [], higherThere: [] });
  const shorter = await postAll(engine, ofOne.slice(0, 4));
  await expect(engine.batches.compare(tenant, one, { other: shorter })).rejects.toMatchObject({
    code: 'request.invalid',
  });
  const empty = await engine.batches.compare(tenant, await engine.post(total), { other: one, threshold: 20 });
  expect(empty).toMatchObject({ compared: 0, rankCorrelation: null, meanDifference: null, bins: { cells: [] } });
});
