import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBuffer } from '../../../formats/bytes.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { resultsQuery, type Selection } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { FormatName } from '../../../shared/formats.ts';
import { firstFailedQuery } from '../../../shared/remedies.ts';
import { type Engine, item, startEngine, tenant } from '../../support/engine.ts';

const total = 40;
/** Items of one chunk; the first chunks of a batch have four each. */
const perChunk = 4;

let engine: Engine;
let id: string;
let all: ItemResult[];

/** Scores repeat, so that some are exactly at a limit; every seventh item has failed. */
const outcomeOf = (index: number): ItemResult => {
  const code = index % 2 === 0 ? 'image.corrupt' : 'image.too_large';
  if (index % 7 === 3) return { index, status: 'failed', error: { code, message: 'broken', retryable: false } };
  const cosine = ((index * 3) % 10) / 20;
  return { index, id: `Id-${index}`, status: 'succeeded', score: 100 * cosine, cosine };
};

beforeAll(async () => {
  engine = await startEngine();
  id = await engine.post(total);
  all = Array.from({ length: total }, (_, index) => outcomeOf(index));
  // The last chunk is committed first: pages are in the order of the commits.
  for (let chunk = total / perChunk - 1; chunk >= 0; chunk--) {
    await engine.commit(id, chunk, all.slice(chunk * perChunk, (chunk + 1) * perChunk));
  }
});
afterAll(() => engine.close());

/** The same selection as a plain filter. The engine's items have the texts `text 0`, `text 1` and so on. */
const expected = ({ status, minScore = -1, maxScore = 101, code, q = '' }: Selection) =>
  all.filter((result) => {
    const hasLimits = minScore !== -1 || maxScore !== 101;
    const score = result.status === 'succeeded' ? result.score : undefined;
    const said = `${result.id ?? ''}\n${`text ${result.index}`}`.toLowerCase();
    return (
      (status === undefined || result.status === status) &&
      (code === undefined || (result.status === 'failed' && result.error.code === code)) &&
      (!hasLimits || (score !== undefined && score >= minScore && score <= maxScore)) &&
      said.includes(q.toLowerCase())
    );
  });

async function stream(format: FormatName, selection: Selection): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await engine.batches.stream(tenant, id, format, { ...selection, formulas: 'keep' })) {
    parts.push(toBuffer(part));
  }
  return Buffer.concat(parts);
}

async function pages(selection: Selection, limit: number): Promise<ItemResult[]> {
  const results: ItemResult[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await engine.batches.results(tenant, id, { ...selection, limit, ...(cursor && { cursor }) });
    results.push(...page.results);
    if (page.next === null) return results;
    cursor = page.next;
  }
}

const selections: Selection[] = [
  {},
  { minScore: 20 },
  { maxScore: 20 },
  { minScore: 0, maxScore: 0 },
  { minScore: 10.5, maxScore: 35 },
  { minScore: 101 },
  { status: 'failed' },
  { status: 'failed', minScore: 0 },
  { code: 'image.corrupt' },
  { code: 'image.corrupt', status: 'succeeded' },
  { q: 'ID-1' },
  { q: 'text 2', minScore: 15 },
  { q: 'nowhere' },
];

describe.each(selections)('the selection %j', (selection) => {
  test('has the items of a plain filter, in pages and in every format', async () => {
    const wanted = expected(selection).map(({ index }) => index);
    const paged = await pages(selection, 3);
    expect(paged.map(({ index }) => index).sort((a, b) => a - b)).toEqual(wanted);
    const lines = (await stream('ndjson', selection)).toString().split('\n').filter(Boolean);
    expect(lines.map((line) => JSON.parse(line).index)).toEqual(wanted);
    const rows = parse(await stream('csv', selection), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ index }) => Number(index))).toEqual(wanted);
    // The text must be that of the item itself.
    expect(rows.map(({ text }) => text)).toEqual(wanted.map((index) => `text ${index}`));
    const file = new Uint8Array(await stream('parquet', selection)).buffer;
    expect((await parquetReadObjects({ file })).map(({ index }) => Number(index))).toEqual(wanted);
  });
});

test.each(['', 'abc', '1e3', 'NaN', ' 5'])('the limit %j is not a number of a query', (minScore) => {
  expect(resultsQuery.safeParse({ minScore }).success).toBe(false);
});

test('the first results with an error code are on the first page of their query, also behind large items', async () => {
  const metadata = { note: 'x'.repeat(300_000) };
  const items = Array.from({ length: total }, (_, index) => ({ ...item(index), metadata }));
  const { id: large } = await engine.postItems(itemsOfList(items, 'lenient'));
  const error = { code: 'image.corrupt', message: 'broken', retryable: false } as const;
  const resultOf = (index: number): ItemResult =>
    index === total - 1 ? { index, status: 'failed', error } : { index, status: 'succeeded', score: 25, cosine: 0.25 };
  for (let chunk = 0, index = 0; index < total; chunk++) {
    const picked = await engine.chunks.pick(engine.job(large, chunk), 'compact');
    if (picked.verdict !== 'run') throw new Error(picked.verdict);
    const results = picked.input.items.map(() => resultOf(index++));
    await engine.commit(large, chunk, results);
  }
  const firstOf = async (query: string) => {
    const parsed = resultsQuery.parse(Object.fromEntries(new URLSearchParams(query)));
    return (await engine.batches.results(tenant, large, parsed)).results.map(({ index }) => index);
  };
  expect(await firstOf(firstFailedQuery('image.corrupt'))).toEqual([total - 1]);
  expect(await firstOf('code=image.corrupt&items=true&limit=20')).toEqual([]);
});

test('the count of escaped cells is that of the whole batch, so a selection by score has none', async () => {
  expect(await engine.batches.escapedCells(tenant, id, { formulas: 'escape' })).toBe(0);
  expect(await engine.batches.escapedCells(tenant, id, { formulas: 'escape', minScore: 3 })).toBeUndefined();
});

test('with items, results of JSON and NDJSON have the text and the address of their items', async () => {
  const pages = await engine.batches.results(tenant, id, { items: 'true', minScore: 20, limit: 1 });
  const [first] = pages.results;
  expect(first).toMatchObject({ text: `text ${first?.index}`, image: expect.stringMatching(/^https?:/) });
  const parts: Buffer[] = [];
  const query = { formulas: 'keep', withItems: true, minScore: 20 } as const;
  for await (const part of await engine.batches.stream(tenant, id, 'ndjson', query)) parts.push(toBuffer(part));
  const lines = Buffer.concat(parts).toString().trim().split('\n');
  const results = lines.map((line) => JSON.parse(line) as ItemResult);
  expect(results.map(({ index }) => index)).toEqual(expected({ minScore: 20 }).map(({ index }) => index));
  for (const { index, text } of results) expect(text).toBe(`text ${index}`);
});
