import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBuffer } from '../../../formats/bytes.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { type OrderedSelection, resultOrders } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { FormatName } from '../../../shared/formats.ts';
import { countOfTop } from '../../../shared/top.ts';
import { type Engine, startEngine, tenant } from '../../support/engine.ts';

/** The first 32 chunks have 4 items each, the next ones 64. The last chunk is cancelled. */
const total = 4 * 32 + 64 + 64 + 8;
const chunks = 35;
const offsetOf = (chunk: number) => 4 * Math.min(chunk, 32) + 64 * Math.max(0, chunk - 32);
/** A chunk that a worker of an older release has evaluated. It stored no digests of images. */
const oldChunk = 32;
const isOld = (index: number) => index >= offsetOf(oldChunk) && index < offsetOf(oldChunk + 1);

/** The address is different for items with the same bytes, except in the old chunk. */
const addressOf = (index: number) =>
  isOld(index) ? `https://old.example.org/${index % 20}.jpg` : `https://example.org/${index}.jpg`;
const bytesOf = (index: number) => (isOld(index) ? addressOf(index) : `bytes ${(index * 11) % 90}`);
const textOf = (index: number) => `a ${['cat', 'dog', 'cup'][index % 7 < 3 ? 0 : index % 3]}`;

const outcomeOf = (index: number): ItemResult => {
  if (index >= offsetOf(chunks - 1)) return { index, id: `Id-${index}`, status: 'cancelled' };
  if (index % 9 === 4) {
    return {
      index,
      id: `Id-${index}`,
      status: 'failed',
      error: { code: 'image.corrupt', message: 'broken', retryable: false },
    };
  }
  const cosine = Number((((index * 7) % 50) / 100 - 0.1).toFixed(6));
  const score = Number((100 * Math.max(cosine, 0)).toFixed(4));
  return { index, id: `Id-${index}`, status: 'succeeded', score, cosine };
};
const all = Array.from({ length: total }, (_, index) => outcomeOf(index));

let engine: Engine;
let id: string;

async function commit(chunk: number): Promise<void> {
  const results = all.slice(offsetOf(chunk), offsetOf(chunk + 1));
  const input = { offset: offsetOf(chunk), items: results.map(({ index }) => itemOf(index)) };
  const hashes = results.map(({ index, status }) =>
    status === 'succeeded' ? createHash('sha256').update(bytesOf(index)).digest('base64') : undefined,
  );
  const job = engine.job(id, chunk);
  await engine.chunks.commit(job, input, results, undefined, {}, chunk === oldChunk ? [] : hashes);
}
const itemOf = (index: number) => ({ id: `Id-${index}`, image: addressOf(index), text: textOf(index) });

beforeAll(async () => {
  engine = await startEngine();
  const items = Array.from({ length: total }, (_, index) => itemOf(index));
  ({ id } = await engine.postItems(itemsOfList(items, 'lenient')));
});
afterAll(() => engine.close());

type Query = OrderedSelection;
const scoreOf = (result: ItemResult) => (result.status === 'succeeded' ? result.score : undefined);

/** The items that are equal have the same key. */
function keyOf({ index, status }: ItemResult, by: 'image' | 'pair'): string {
  if (status !== 'succeeded') return `alone ${index}`;
  return by === 'image' ? bytesOf(index) : `${bytesOf(index)} ${textOf(index)}`;
}

/** The same query as a plain filter, a plain sort, and the first of each group, over full results. */
function expected(results: readonly ItemResult[], query: Query): ItemResult[] {
  const { status, minScore, maxScore, code, q = '', top, sort = 'index', distinct, sameImageAs, samePairAs } = query;
  const scores = results.flatMap((result) => scoreOf(result) ?? []).sort((a, b) => b - a);
  const last = top === undefined ? undefined : scores[countOfTop(top, scores.length) - 1];
  const needsScore = [minScore, maxScore, top, sameImageAs, samePairAs].some((value) => value !== undefined);
  const isEqual = (result: ItemResult, by: 'image' | 'pair', other: number | undefined) =>
    other === undefined || keyOf(result, by) === keyOf(outcomeOf(other), by);
  const meeting = results.filter((result) => {
    const score = scoreOf(result);
    return (
      (status === undefined || result.status === status) &&
      (code === undefined || (result.status === 'failed' && result.error.code === code)) &&
      (!needsScore || score !== undefined) &&
      (score ?? 0) >= (minScore ?? 0) &&
      (score ?? 0) <= (maxScore ?? 100) &&
      (last === undefined || (score ?? -1) >= last) &&
      isEqual(result, 'image', sameImageAs) &&
      isEqual(result, 'pair', samePairAs)
    );
  });
  const by = sort.endsWith('score') ? 'score' : 'cosine';
  const sign = sort.startsWith('-') ? -1 : 1;
  const sorted = meeting
    .filter(({ index, id: given = '' }) => `${given}\n${textOf(index)}`.toLowerCase().includes(q.toLowerCase()))
    .sort((a, b) => {
      if (sort === 'index') return a.index - b.index;
      if (a.status !== 'succeeded' || b.status !== 'succeeded') {
        return Number(a.status !== 'succeeded') - Number(b.status !== 'succeeded') || a.index - b.index;
      }
      return sign * (a[by] - b[by]) || a.index - b.index;
    });
  if (distinct === undefined) return sorted;
  const sizes = Map.groupBy(meeting, (result) => keyOf(result, distinct));
  const seen = new Set<string>();
  return sorted.flatMap((result) => {
    const key = keyOf(result, distinct);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ ...result, groupSize: sizes.get(key)?.length ?? 0 }];
  });
}

async function pages(query: Query, limit: number) {
  const results: ItemResult[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await engine.batches.results(tenant, id, { ...query, limit, ...(cursor && { cursor }) });
    results.push(...page.results);
    if (page.next === null) return { results, selected: page.selected };
    cursor = page.next;
  }
}

async function stream(format: FormatName, query: Query): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await engine.batches.stream(tenant, id, format, { ...query, formulas: 'keep' })) {
    parts.push(toBuffer(part));
  }
  return Buffer.concat(parts);
}

test('a batch that runs has the groups of the results so far', async () => {
  for (let nth = 0; nth < chunks - 1; nth++) {
    await commit((nth * 5) % (chunks - 1));
    if (nth !== 12 && nth !== 25) continue;
    const committed = new Set(Array.from({ length: nth + 1 }, (_, at) => (at * 5) % (chunks - 1)));
    const soFar = all.filter(({ index }) =>
      [...committed].some((chunk) => index >= offsetOf(chunk) && index < offsetOf(chunk + 1)),
    );
    const query = { distinct: 'image', sort: '-score' } as const;
    expect((await pages(query, 50)).results).toEqual(expected(soFar, query));
  }
  await engine.batches.cancel(tenant, id);
});

const selections: Query[] = [
  {},
  { minScore: 5, maxScore: 30 },
  { status: 'failed' },
  { status: 'cancelled' },
  { top: { share: 0.3 } },
  { q: 'cat' },
  { q: 'DOG', minScore: 10 },
  { q: 'id-1' },
  { minScore: 101 },
];

describe.each(['image', 'pair'] as const)('one item for each %s', (distinct) => {
  test.each([undefined, ...resultOrders])('equals a plain selection of full results in the order %s', async (sort) => {
    for (const selection of selections) {
      const query = { ...selection, distinct, sort };
      const wanted = expected(all, query);
      const { results, selected } = await pages(query, 7);
      expect(results, JSON.stringify(query)).toEqual(wanted);
      expect(selected, JSON.stringify(query)).toBe(expected(all, { ...query, q: undefined }).length);
    }
  });

  test('is in every format, with the size of its group', async () => {
    const query = { distinct, sort: '-score', minScore: 3 } as const;
    const wanted = expected(all, query).map(({ index, groupSize = 0 }) => [index, groupSize]);
    const lines = (await stream('ndjson', query)).toString().split('\n').filter(Boolean);
    expect(lines.map((line) => JSON.parse(line)).map(({ index, groupSize }) => [index, groupSize])).toEqual(wanted);
    const rows = parse(await stream('csv', query), { columns: true }) as Record<string, string>[];
    expect(rows.map((row) => [Number(row['index']), Number(row['group_size'])])).toEqual(wanted);
    const file = new Uint8Array(await stream('parquet', query)).buffer;
    const columns = await parquetReadObjects({ file });
    expect(columns.map((row) => [Number(row['index']), Number(row['group_size'])])).toEqual(wanted);
  });
});

test('the members of a group are listed, also in an order and with conditions', async () => {
  for (const same of [
    { sameImageAs: 3 },
    { samePairAs: 3 },
    { sameImageAs: 4 },
    { sameImageAs: 140 },
    { samePairAs: 9_999 },
  ]) {
    for (const query of [same, { ...same, sort: '-score', minScore: 10 }, { ...same, q: 'cat' }] as Query[]) {
      expect((await pages(query, 3)).results, JSON.stringify(query)).toEqual(expected(all, query));
    }
  }
});

test('a page from the middle of a list counts groups', async () => {
  const query = { distinct: 'image', sort: '-score', minScore: 5 } as const;
  const page = await engine.batches.results(tenant, id, { ...query, skip: 20, limit: 5 });
  expect(page.results).toEqual(expected(all, query).slice(20, 25));
});
