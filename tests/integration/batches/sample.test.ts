import { afterAll, beforeAll, expect, test } from 'vitest';
import { toBuffer } from '../../../formats/bytes.ts';
import { type OrderedSelection, resultOrders } from '../../../shared/contracts/batch/results.ts';
import { type Engine, startEngine, tenant } from '../../support/engine.ts';
import { ofOne, postAll } from '../../support/two-batches.ts';

let engine: Engine;
let id: string;

beforeAll(async () => {
  engine = await startEngine();
  id = await postAll(engine, ofOne);
});
afterAll(() => engine.close());

async function pages(query: OrderedSelection): Promise<number[]> {
  const found: number[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await engine.batches.results(tenant, id, { ...query, limit: 3, ...(cursor && { cursor }) });
    found.push(...page.results.map(({ index }) => index));
    if (page.next === null) return found;
    cursor = page.next;
  }
}

async function file(query: OrderedSelection): Promise<number[]> {
  const lines: string[] = [];
  for await (const part of await engine.batches.stream(tenant, id, 'ndjson', { ...query, formulas: 'keep' })) {
    lines.push(toBuffer(part).toString());
  }
  const text = lines.join('').trim();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line).index);
}

const scoreAt = (index: number): number => {
  const result = ofOne[index];
  return result?.status === 'succeeded' ? result.score : Number.NaN;
};

test.each(resultOrders)(
  'a sample in the order %s is the same in pages and in a file, and has only items in range',
  async (sort) => {
    const query = { minScore: 10, maxScore: 35, sample: 7, seed: 3 };
    const inOrder = await pages({ ...query, sort });
    expect(inOrder).toHaveLength(7);
    expect(inOrder.every((index) => scoreAt(index) >= 10 && scoreAt(index) <= 35)).toBe(true);
    expect(await file({ ...query, sort })).toEqual(inOrder);
    expect(inOrder.toSorted((a, b) => a - b)).toEqual(await pages(query));
  },
);

test('a sample has all items if there are fewer, none without a score, and another one for another seed', async () => {
  const scored = ofOne.flatMap(({ index, status }) => (status === 'succeeded' ? [index] : []));
  expect(await pages({ sample: 1_000 })).toEqual(scored);
  expect(await pages({ status: 'failed', sample: 5 })).toEqual([]);
  expect(await pages({ sample: 10, seed: 1 })).not.toEqual(await pages({ sample: 10, seed: 2 }));
  const { selected } = await engine.batches.results(tenant, id, { sample: 10 });
  expect(selected).toBe(10);
});

test('a sample is drawn from the best, from distinct items, and can be skipped into', async () => {
  const best = await pages({ top: { count: 12 }, sort: '-score' });
  const sampled = await pages({ top: { count: 12 }, sample: 5 });
  expect(sampled).toHaveLength(5);
  expect(sampled.every((index) => best.includes(index))).toBe(true);
  const { results } = await engine.batches.results(tenant, id, { sample: 9, skip: 4, sort: 'index' });
  expect(results.map(({ index }) => index)).toEqual((await pages({ sample: 9 })).slice(4));
});

test('a page of a sample ends by the size of its results, not by that of all results in their chunks', async () => {
  // 32 chunks of four results, each chunk larger than a tenth of a page.
  const total = 4 * 32;
  const large = await engine.post(total);
  const all = Array.from({ length: total }, (_, index) => ({
    ...({ index, status: 'succeeded', cosine: 0.3, score: 30 } as const),
    metadata: { notes: 'x'.repeat(256 * 1024) },
  }));
  for (let chunk = 0; chunk < 32; chunk++) await engine.commit(large, chunk, all.slice(4 * chunk, 4 * chunk + 4));
  const page = await engine.batches.results(tenant, large, { sample: 12, items: 'true' });
  expect(page.results).toHaveLength(12);
  expect(page.next).toBeNull();
  const whole = await engine.batches.results(tenant, large, { sample: total, items: 'true' });
  expect(whole.results.length).toBeLessThan(total / 2);
  expect(whole.next).not.toBeNull();
});
