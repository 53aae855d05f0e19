import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBuffer } from '../../../formats/bytes.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { type OrderedSelection, resultOrders, resultsQuery } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { FormatName } from '../../../shared/formats.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { prefixOf } from '../../../shared/redis/prefix.ts';
import { countOfTop } from '../../../shared/top.ts';
import { type Engine, startEngine, tenant } from '../../support/engine.ts';

/** The first 32 chunks have 4 items each, so the last two chunks have 64 and 8. */
const total = 4 * 32 + 64 + 8;
const chunks = 34;

let engine: Engine;
let id: string;
let all: ItemResult[];

/** Scores repeat, a fifth is negative, every ninth item has failed; the items of the last chunk are cancelled. */
const outcomeOf = (index: number): ItemResult => {
  const code = index % 2 === 0 ? 'image.corrupt' : 'image.too_large';
  if (index % 9 === 4) return { index, status: 'failed', error: { code, message: 'broken', retryable: false } };
  const cosine = Number((((index * 7) % 50) / 100 - 0.1 + (index % 3) * 0.000001).toFixed(6));
  return {
    index,
    id: `Id-${index}`,
    status: 'succeeded',
    score: Number((100 * Math.max(cosine, 0)).toFixed(4)),
    cosine,
  };
};
const offsetOf = (chunk: number) => 4 * Math.min(chunk, 32) + 64 * Math.max(0, chunk - 32);

beforeAll(async () => {
  engine = await startEngine();
  id = await engine.post(total);
  all = Array.from({ length: total }, (_, index) => outcomeOf(index));
  // In another order than that of the items.
  for (let nth = 0; nth < chunks - 1; nth++) {
    const chunk = (nth * 5) % (chunks - 1);
    await engine.commit(id, chunk, all.slice(offsetOf(chunk), offsetOf(chunk + 1)));
  }
  await engine.batches.cancel(tenant, id);
  for (let index = offsetOf(chunks - 1); index < total; index++) all[index] = { index, status: 'cancelled' };
});
afterAll(() => engine.close());

const scoreOf = (result: ItemResult) => (result.status === 'succeeded' ? result.score : undefined);

/** The same query as a plain filter and a plain sort of all results. */
function expected({ status, minScore, maxScore, code, q, top, sort = 'index' }: OrderedSelection): ItemResult[] {
  const scores = all.flatMap((result) => scoreOf(result) ?? []).sort((a, b) => b - a);
  const last = top === undefined ? undefined : scores[countOfTop(top, scores.length) - 1];
  const selected = all.filter((result) => {
    const score = scoreOf(result);
    const isScored = minScore !== undefined || maxScore !== undefined || top !== undefined;
    return (
      (status === undefined || result.status === status) &&
      (code === undefined || (result.status === 'failed' && result.error.code === code)) &&
      (!isScored || score !== undefined) &&
      (score ?? 0) >= (minScore ?? 0) &&
      (score ?? 0) <= (maxScore ?? 100) &&
      (last === undefined || (score ?? -1) >= last) &&
      `${'id' in result ? result.id : ''}\ntext ${result.index}`.toLowerCase().includes((q ?? '').toLowerCase())
    );
  });
  if (sort === 'index') return selected;
  const by = sort.endsWith('score') ? 'score' : 'cosine';
  const sign = sort.startsWith('-') ? -1 : 1;
  return selected.sort((a, b) => {
    if (a.status !== 'succeeded' || b.status !== 'succeeded') {
      return Number(a.status !== 'succeeded') - Number(b.status !== 'succeeded') || a.index - b.index;
    }
    return sign * (a[by] - b[by]) || a.index - b.index;
  });
}

async function pages(query: OrderedSelection, limit: number) {
  const results: ItemResult[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await engine.batches.results(tenant, id, { ...query, limit, ...(cursor && { cursor }) });
    expect(page.results.length).toBeLessThanOrEqual(limit);
    results.push(...page.results);
    if (page.next === null) return { results, page };
    cursor = page.next;
  }
}

async function stream(format: FormatName, query: OrderedSelection, limit?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  const stored = await engine.batches.stream(tenant, id, format, { ...query, limit, formulas: 'keep' });
  for await (const part of stored) parts.push(toBuffer(part));
  return Buffer.concat(parts);
}

const read = (text: Buffer): ItemResult[] =>
  text
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Returns the number of calls of a Redis command while some work runs. */
async function countCalls(command: string, work: () => Promise<unknown>): Promise<number> {
  const calls = async () => {
    const info = await askMasters(engine.redis, (master) => master.info('commandstats'));
    return info.reduce(
      (sum, text) => sum + Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0),
      0,
    );
  };
  const before = await calls();
  await work();
  return (await calls()) - before;
}

const selections: OrderedSelection[] = [
  {},
  { minScore: 20, maxScore: 30.0001 },
  { maxScore: 0 },
  { minScore: 101 },
  { status: 'failed' },
  { status: 'cancelled' },
  { code: 'image.corrupt' },
  { q: 'ID-1' },
  { top: { share: 0.3 } },
  { top: { count: 5 }, q: '1' },
  { top: { share: 1 }, maxScore: 25 },
];

describe.each(resultOrders)('the order %s', (sort) => {
  test('has the results of a plain sort, ties included, in pages and as a file', async () => {
    for (const selection of selections) {
      const query = { ...selection, sort };
      const wanted = expected(query);
      const { results, page } = await pages(query, 7);
      expect(results, JSON.stringify(query)).toEqual(wanted);
      expect(page.selected).toBe(expected({ ...query, q: undefined }).length);
      expect(read(await stream('ndjson', query)), JSON.stringify(query)).toEqual(wanted);
    }
  });
});

test('a table has the items of its results, and a limit is its number of rows', async () => {
  const query = { sort: '-score', minScore: 10 } as const;
  const rows = parse(await stream('csv', query, 9), { columns: true }) as Record<string, string>[];
  const wanted = expected(query).slice(0, 9);
  expect(rows.map(({ index }) => Number(index))).toEqual(wanted.map(({ index }) => index));
  expect(rows.map(({ text }) => text)).toEqual(wanted.map(({ index }) => `text ${index}`));
});

test('ordered results have the texts and addresses of their own items on request', async () => {
  const query = { sort: '-score', limit: 5 } as const;
  const wanted = expected(query)
    .slice(0, 5)
    .map(({ index }) => [index, `text ${index}`, `https://example.org/${index}.jpg`]);
  const { results } = await engine.batches.results(tenant, id, { ...query, items: 'true' });
  const lines = await engine.batches.stream(tenant, id, 'ndjson', { ...query, withItems: true, formulas: 'keep' });
  const parts: Buffer[] = [];
  for await (const part of lines) parts.push(toBuffer(part));
  for (const some of [results, read(Buffer.concat(parts))]) {
    expect(
      some.map((result) => [result.index, 'text' in result && result.text, 'image' in result && result.image]),
    ).toEqual(wanted);
  }
});

test('top includes all items with the last score, and states their number', async () => {
  const { page } = await pages({ top: { count: 5 } }, 1_000);
  const wanted = expected({ top: { count: 5 } });
  const last = Math.min(...wanted.flatMap((result) => scoreOf(result) ?? []));
  const ties = all.filter((result) => scoreOf(result) === last).length;
  expect(page.top).toEqual({ requested: 5, items: wanted.length, lastScore: last, ties });
  expect(page.results).toEqual(wanted);
  expect(ties).toBeGreaterThan(1);
});

test('a page after a cursor repeats nothing when results are added meanwhile', async () => {
  const live = await engine.post(12);
  const results = [30, 10, 20].map((score, chunk) =>
    Array.from({ length: 4 }, (_, at) => ({
      ...{ index: 4 * chunk + at, status: 'succeeded' as const },
      ...{ score: score + at, cosine: (score + at) / 100 },
    })),
  );
  const page = (cursor?: string) =>
    engine.batches.results(tenant, live, { sort: '-score', limit: 3, ...(cursor && { cursor }) });
  await engine.commit(live, 1, results[1] ?? []);
  const first = await page();
  expect(first.results.map(({ index }) => index)).toEqual([7, 6, 5]);
  await engine.commit(live, 0, results[0] ?? []);
  const second = await page(first.next ?? '');
  expect(second.results.map(({ index }) => index)).toEqual([4]);
  expect(second.next).toBeNull();
});

test('a rare text is found in any order, and in a long batch each part is read once for it', async () => {
  const count = 1_400;
  const isRare = (index: number) => index % 467 === 5;
  const items = Array.from({ length: count }, (_, index) => ({
    ...{
      id: `i${index}`,
      image: `https://example.org/${index}.jpg`,
      text: isRare(index) ? `a Rare ${index}` : 'a cat',
    },
  }));
  const { id: long } = await engine.postItems(itemsOfList(items, 'lenient'));
  const results = items.map(({ id: given }, index): ItemResult => {
    const cosine = Number((((index * 7_919) % 1_000) / 1_000).toFixed(6));
    return { index, id: given, status: 'succeeded', cosine, score: Number((100 * cosine).toFixed(4)) };
  });
  const parts = 32 + Math.ceil((count - 128) / 64);
  for (let chunk = 0; chunk < parts; chunk++) {
    const part = results.slice(offsetOf(chunk), offsetOf(chunk + 1));
    const input = { offset: offsetOf(chunk), items: items.slice(offsetOf(chunk), offsetOf(chunk + 1)) };
    await engine.chunks.commit(engine.job(long, chunk), input, part);
  }
  const wanted = results
    .filter(({ index }) => isRare(index))
    .sort((a, b) => (scoreOf(b) ?? 0) - (scoreOf(a) ?? 0) || a.index - b.index);
  const query = { sort: '-score', q: 'rare', limit: 20 } as const;
  const read = async () => {
    const found: ItemResult[] = [];
    const sizes: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await engine.batches.results(tenant, long, { ...query, ...(cursor && { cursor }) });
      found.push(...page.results);
      sizes.push(page.results.length);
      if (page.next === null) return { found, sizes };
      cursor = page.next;
    }
  };
  expect(await read()).toEqual({ found: wanted, sizes: [3] });
  // Every page after the first is answered from what is remembered, so it reads only the parts of its own results.
  const hget = await countCalls('hget', read);
  expect(hget).toBeLessThanOrEqual(2 * wanted.length + 8);
});

test('a chunk that an older release has committed is added to the index by the first query', async () => {
  const { offsets, scores } = batchKeys(engine.redis, id);
  const before = await engine.redis.getBuffer(scores(0));
  await engine.redis.setrange(offsets, 4 * 7, Buffer.alloc(4));
  await engine.redis.setrange(scores(0), 4 * offsetOf(7), Buffer.alloc(16));
  // This process has read the whole index before, and remembers it. Another process has not.
  const other = await engine.beside(prefixOf(engine.redis));
  const { results } = await other.engine.batches.results(tenant, id, { sort: 'score', limit: 1_000 });
  await other.close();
  expect(results).toEqual(expected({ sort: 'score' }));
  expect(await engine.redis.getBuffer(scores(0))).toEqual(before);
});

test('the index has four bytes for each item, and those of a number for each chunk', async () => {
  const { offsets, scores } = batchKeys(engine.redis, id);
  expect(await engine.redis.strlen(scores(0))).toBe(4 * total);
  expect(await engine.redis.strlen(offsets)).toBe(4 * chunks);
});

test('percentiles after the end are those of numpy: interpolated linearly, scores and cosines each', async () => {
  const scored = expected({ sort: 'cosine', status: 'succeeded' }).filter((result) => 'cosine' in result);
  const numpy = (sorted: number[], percent: number): number => {
    const place = (percent * (sorted.length - 1)) / 100;
    const [low = Number.NaN, high = low] = sorted.slice(Math.floor(place));
    return low + (place % 1) * (high - low);
  };
  const { percentiles, percentilesExact } = await engine.batches.summary(tenant, id);
  expect(percentilesExact).toBe(true);
  for (const { percent, cosine, score } of percentiles) {
    const cosines = scored.map((result) => result.cosine);
    const scores = scored.map((result) => result.score);
    expect(Math.abs(cosine - numpy(cosines, percent)), `cosine ${percent}`).toBeLessThan(1e-6);
    expect(Math.abs(score - numpy(scores, percent)), `score ${percent}`).toBeLessThan(1e-4);
  }
  expect((await engine.batches.summary(tenant, id)).percentiles).toEqual(percentiles);
});

test('percentiles that an older release has stored by nearest rank are replaced', async () => {
  const { percentiles } = await engine.batches.summary(tenant, id);
  const { batch } = batchKeys(engine.redis, id);
  await engine.redis.hdel(batch, 'exactPercentiles');
  await engine.redis.hset(batch, 'percentiles', JSON.stringify([0, 0, 0, 0, 0, 0, 0, 0, 0]));
  expect((await engine.batches.summary(tenant, id)).percentiles).toEqual(percentiles);
});

test('a cursor of another order, or of none, is refused', async () => {
  const { next } = await engine.batches.results(tenant, id, { sort: 'score', limit: 1 });
  for (const [sort, cursor] of [
    ['-score', next ?? ''],
    ['score', 'nonsense'],
    ['score', Buffer.from('{"sort":"score"}').toString('base64url')],
    ['index', Buffer.from('{"sort":"index","after":5}').toString('base64url')],
  ] as const) {
    await expect(engine.batches.results(tenant, id, { sort, cursor })).rejects.toMatchObject({
      code: 'request.invalid',
    });
  }
});

test.each(['', '0', '0.0', '-1', '1.5', '101%', 'all', '1e3', ' 5', '.'])('the top %j is refused', (top) => {
  expect(resultsQuery.safeParse({ top }).success).toBe(false);
});

test.each([
  ['0.3', { share: 0.3 }],
  ['30%', { share: 0.3 }],
  ['1.0', { share: 1 }],
  ['1', { count: 1 }],
  ['100000', { count: 100_000 }],
])('the top %s is %j', (top, read) => {
  expect(resultsQuery.parse({ top }).top).toEqual(read);
});

test('a share is rounded up, and not by the error of a product', () => {
  expect([countOfTop({ share: 0.07 }, 100), countOfTop({ share: 0.3 }, 11), countOfTop({ count: 9 }, 4)]).toEqual([
    7, 4, 4,
  ]);
});

test('the index is deleted with its batch', async () => {
  const gone = await engine.post(4);
  await engine.commit(gone, 0, all.slice(0, 4));
  expect((await engine.keys(`*${gone}*`)).some((key) => key.includes('scores'))).toBe(true);
  await engine.batches.remove(tenant, gone);
  expect(await engine.keys(`*{${gone}}*`)).toEqual([]);
});

describe('a page after skipped results', () => {
  test.each(
    resultOrders.flatMap((sort) =>
      [{}, { minScore: 5, maxScore: 30 }, { top: { share: 0.5 } }].map((more) => ({ sort, ...more })),
    ),
  )('of %j has the results of the whole order from there on', async (query: OrderedSelection) => {
    for (const status of ['succeeded', 'failed'] as const) {
      const wanted = expected({ ...query, status });
      for (const skip of [0, 1, 17, wanted.length - 1, wanted.length, wanted.length + 100]) {
        if (skip < 0) continue;
        const page = await engine.batches.results(tenant, id, { ...query, status, skip, limit: 5 });
        expect(page.results, `${status} ${skip}`).toEqual(wanted.slice(skip, skip + 5));
        expect(page.selected).toBe(wanted.length);
      }
    }
  });

  test('goes on to the items without a score, and its cursor leads on', async () => {
    const whole = await engine.post(total);
    const results = all.map((result) => (result.status === 'cancelled' ? outcomeOf(result.index) : result));
    for (let chunk = 0; chunk < chunks; chunk++) {
      await engine.commit(whole, chunk, results.slice(offsetOf(chunk), offsetOf(chunk + 1)));
    }
    const sorted: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await engine.batches.results(tenant, whole, {
        sort: '-score',
        limit: 50,
        ...(cursor && { cursor }),
      });
      sorted.push(...page.results.map(({ index }) => index));
      if (page.next === null) break;
      cursor = page.next;
    }
    for (const skip of [3, 150, 179, 180, total - 2]) {
      const page = await engine.batches.results(tenant, whole, { sort: '-score', skip, limit: 7 });
      const next =
        page.next === null
          ? []
          : (await engine.batches.results(tenant, whole, { sort: '-score', cursor: page.next, limit: 7 })).results;
      expect([...page.results, ...next].map(({ index }) => index)).toEqual(sorted.slice(skip, skip + 14));
    }
  });

  test('is refused with a search, and where cancelled items are among the results', async () => {
    for (const query of [{ q: 'cat' }, {}]) {
      await expect(engine.batches.results(tenant, id, { sort: 'index', skip: 1, ...query })).rejects.toMatchObject({
        code: 'request.invalid',
      });
    }
  });
});
