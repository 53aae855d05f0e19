import { expect, test } from 'vitest';
import type { Extreme } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { haveRepeated, readExtremes, withoutRepeated } from '../../../web/batches/distinct-extremes.ts';
import { type ReadPairs, readNear, readNearest } from '../../../web/batches/workbench/near.ts';

type Scored = ItemResult & { status: 'succeeded' };

const scored = (index: number, cosine: number, text: string): Scored => {
  const score = Number((100 * cosine).toFixed(4));
  return { index, status: 'succeeded', cosine, score, text, image: `https://example.org/${index}.jpg` };
};

/** A service with these pairs. Pairs with the same text and cosine are equal there. It stores the queries. */
function serve(all: Scored[]): { read: ReadPairs; queries: Parameters<ReadPairs>[0][] } {
  const queries: Parameters<ReadPairs>[0][] = [];
  const read: ReadPairs = async (query) => {
    queries.push(query);
    const sign = String(query['sort']).startsWith('-') ? -1 : 1;
    const selected = all
      .filter(({ score }) => score >= Number(query['minScore'] ?? 0) && score <= Number(query['maxScore'] ?? 100))
      .sort((a, b) => sign * (a.cosine - b.cosine) || a.index - b.index);
    const groups = [...Map.groupBy(selected, ({ cosine, text }) => `${cosine} ${text}`).values()];
    const listed = query['distinct'] === 'pair' ? groups.flatMap(([first]) => first ?? []) : selected;
    return { results: listed.slice(0, Number(query['limit'])), selected: listed.length, next: null };
  };
  return { read, queries };
}

/** Six pairs, each a hundred times at different addresses. */
const repeated = Array.from({ length: 600 }, (_, at) => scored(at, (at % 6) / 10, `text ${at % 6}`));

const indexesOf = (pairs: readonly { index: number }[]) => pairs.map(({ index }) => index);

test('the pairs next to a threshold are distinct, and all of them are counted', async () => {
  const { read } = serve(repeated);
  const above = await readNear(read, 'above', 20, 8);
  expect(indexesOf(above.pairs)).toEqual([2, 3, 4, 5]);
  expect(above.selected).toBe(400);
  const below = await readNear(read, 'below', 20, 8);
  expect(indexesOf(below.pairs)).toEqual([1, 0]);
  expect(below.selected).toBe(200);
});

test('the service looks for equal pairs only where pairs may be equal', async () => {
  const { read, queries } = serve([scored(0, 0.3, 'a cat'), scored(1, 0.3, 'a dog'), scored(2, 0.4, 'a cat')]);
  expect(indexesOf((await readNear(read, 'above', 30, 8)).pairs)).toEqual([0, 1, 2]);
  expect(queries).toHaveLength(1);
});

test('the pairs with the nearest scores are distinct, and none equals the open pair', async () => {
  const open = repeated[303] as Scored;
  expect(indexesOf(await readNearest(serve(repeated).read, open, 3))).toEqual([0, 1, 2, 4, 5]);
  const alone = [scored(0, 0.3, 'a cat')] as const;
  expect(await readNearest(serve([...alone]).read, alone[0], 3)).toEqual([]);
});

test('the lowest and the highest pairs are distinct', async () => {
  const extreme = ({ index, cosine, score, text = '', image = null }: Scored): Extreme => ({
    ...{ index, cosine, score, text, image },
  });
  const alike = repeated.filter((_, at) => at % 6 === 5).map(extreme);
  expect(indexesOf(withoutRepeated(alike))).toEqual([5]);
  expect(haveRepeated({ lowest: alike, highest: [] })).toBe(true);
  expect(haveRepeated({ lowest: repeated.slice(0, 6).map(extreme), highest: alike.slice(0, 1) })).toBe(false);
  const { lowest, highest } = await readExtremes(serve(repeated).read);
  expect(indexesOf(lowest)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(indexesOf(highest)).toEqual([5, 4, 3, 2, 1, 0]);
});
