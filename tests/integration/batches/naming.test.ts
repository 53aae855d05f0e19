import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchChange } from '../../../shared/contracts/batch/changes.ts';
import { listQuery } from '../../../shared/contracts/batch/list.ts';
import { batchQuery } from '../../../shared/contracts/batch/post.ts';
import { finishedBatches } from '../../../shared/redis/keys.ts';
import { type Engine, failed, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const hour = 3_600_000;
const listed = async (query: { q?: string; tag?: string }) =>
  (await engine.batches.list(tenant, { ...query, limit: 50 })).batches.map(({ id }) => id);

test('a batch is found by a part of its name, its id or a tag, and by a whole tag', async () => {
  const cats = await engine.post(1, { options: { name: 'Cats of November', tags: ['laion', 'cats'] } });
  const dogs = await engine.post(1, { options: { name: 'Dogs', tags: ['laion'] } });
  const plain = await engine.post(1);
  expect(await listed({ q: 'november' })).toEqual([cats]);
  expect(await listed({ q: 'CATS' })).toEqual([cats]);
  expect(await listed({ q: plain.slice(0, 13) })).toEqual([plain]);
  expect(await listed({ tag: 'laion' })).toEqual([dogs, cats]);
  expect(await listed({ tag: 'lai' })).toEqual([]);
  expect(await listed({ tag: 'laion', q: 'dog' })).toEqual([dogs]);
  expect(await engine.batches.status(tenant, plain)).toMatchObject({ name: null, tags: [] });
});

test('batches are listed by their number of items, on pages that pass over all others', async () => {
  const [one, , three] = [await engine.post(7), await engine.post(6), await engine.post(7), await engine.post(6)];
  const first = await engine.batches.list(tenant, { items: 7, limit: 1 });
  expect(first.batches.map(({ id }) => id)).toEqual([three]);
  const second = await engine.batches.list(tenant, { items: 7, limit: 1, cursor: first.next ?? '' });
  expect(second.batches.map(({ id }) => id)).toEqual([one]);
  expect(listQuery.parse({ items: '7' }).items).toBe(7);
  expect(listQuery.safeParse({ items: '' }).success).toBe(false);
});

test('name and tags change, and null removes a name', async () => {
  const id = await engine.post(1, { options: { name: 'before', tags: ['a'] } });
  expect(await engine.batches.change(tenant, id, { name: 'after' })).toMatchObject({ name: 'after', tags: ['a'] });
  expect(await engine.batches.change(tenant, id, { name: null, tags: [] })).toMatchObject({ name: null, tags: [] });
});

test('a retention that was set while the batch runs counts from its end', async () => {
  const id = await engine.post(4);
  await engine.batches.change(tenant, id, { retentionHours: 5 });
  await engine.commit(id, 0, succeeded(0, 4));
  const { finishedAt, expiresAt } = await engine.batches.status(tenant, id);
  expect(Date.parse(expiresAt ?? '') - Date.parse(finishedAt ?? '')).toBe(5 * hour);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).toBe(String(Date.parse(expiresAt ?? '')));
});

test('the retention of an ended batch moves its deletion, to the past too', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  const longer = await engine.batches.change(tenant, id, { retentionHours: 48 });
  const end = Date.parse(longer.finishedAt ?? '');
  expect(Date.parse(longer.expiresAt ?? '') - end).toBe(48 * hour);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).toBe(String(end + 48 * hour));
  await engine.batches.change(tenant, id, { retentionHours: 0 });
  await engine.sweeper.sweep();
  await expect(engine.batches.status(tenant, id)).rejects.toMatchObject({ code: 'batch.not_found' });
});

test('cancelled items are continued as a batch of the same name, alone or with the failed ones', async () => {
  const id = await engine.post(12, { options: { name: 'large', tags: ['t'] } });
  await engine.commit(id, 1, [...failed(4, 1), ...succeeded(5, 3)]);
  await engine.batches.cancel(tenant, id);
  const child = await engine.batches.retry(tenant, id, { statuses: ['cancelled'] });
  expect(child).toMatchObject({ name: 'large', tags: ['t'], retryOf: id, items: { total: 8 } });
  await engine.commit(child.id, 0, succeeded(0, 4));
  const picked = await engine.chunks.pick(engine.job(child.id, 1), 'compact');
  if (picked.verdict !== 'run') throw new Error(picked.verdict);
  expect(picked.input.items.map(({ text, retryOfIndex }) => [text, retryOfIndex])).toEqual(
    [8, 9, 10, 11].map((index) => [`text ${index}`, index]),
  );
  const both = await engine.batches.retry(tenant, id, { statuses: ['cancelled', 'failed'] });
  expect(both.items.total).toBe(9);
  expect((await engine.batches.retry(tenant, id)).items.total).toBe(1);
});

test('a retry may leave out the items that would fail again', async () => {
  const id = await engine.post(8);
  const timeout = { code: 'image.fetch.timeout', message: 'no answer within 10 s', retryable: true } as const;
  await engine.commit(id, 0, [{ index: 0, status: 'failed', error: timeout }, ...failed(1, 3)]);
  await engine.commit(id, 1, succeeded(4, 4));
  const child = await engine.batches.retry(tenant, id, { onlyRetryable: true });
  expect(child.items.total).toBe(1);
  const picked = await engine.chunks.pick(engine.job(child.id, 0), 'compact');
  expect(picked.verdict === 'run' && picked.input.items[0]?.retryOfIndex).toBe(0);
  const hopeless = await engine.post(4);
  await engine.commit(hopeless, 0, failed(0, 4));
  await expect(engine.batches.retry(tenant, hopeless, { onlyRetryable: true })).rejects.toMatchObject({
    code: 'batch.nothing_to_retry',
  });
});

test('the same key for other items of the same batch is a conflict', async () => {
  const id = await engine.post(8);
  await engine.commit(id, 0, failed(0, 4));
  await engine.batches.cancel(tenant, id);
  const key = { idempotencyKey: 'again' };
  const first = await engine.batches.retry(tenant, id, { ...key, statuses: ['cancelled'] });
  expect((await engine.batches.retry(tenant, id, { ...key, statuses: ['cancelled'] })).id).toBe(first.id);
  await expect(engine.batches.retry(tenant, id, key)).rejects.toMatchObject({ code: 'idempotency.mismatch' });
});

test('a retry of items that do not exist, and a change of another tenant, are refused', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, failed(0, 4));
  const refused = engine.batches.retry(tenant, id, { statuses: ['cancelled'] });
  await expect(refused).rejects.toMatchObject({ code: 'batch.nothing_to_retry' });
  await expect(engine.batches.change('other', id, { name: 'x' })).rejects.toMatchObject({ code: 'batch.not_found' });
});

test.each([{}, { retentionHours: 0 }, { retentionHours: 8_761 }, { name: '' }, { tags: ['a,b'] }, { state: 'x' }])(
  'the change %j is refused',
  (change) => {
    expect(batchChange.safeParse(change).success).toBe(false);
  },
);

test('tags in a query are separated by commas, and have limits', () => {
  expect(batchQuery.parse({ tags: 'a, b' }).tags).toEqual(['a', 'b']);
  for (const tags of ['', 'a,,b', 'x'.repeat(65), Array.from({ length: 17 }, (_, at) => at).join()]) {
    expect(batchQuery.safeParse({ tags }).success, tags).toBe(false);
  }
  expect(listQuery.safeParse({ limit: '5', q: '' }).success).toBe(false);
});

test('a list has the mean and the histogram of the scores of each batch on request', async () => {
  const id = await engine.post(6);
  const none = await engine.post(1);
  await engine.commit(id, 0, [...succeeded(0, 4), ...failed(4, 2)]);
  const { mean, histogram } = await engine.batches.summary(tenant, id);
  const page = await engine.batches.list(tenant, { scores: 'true', limit: 2 });
  expect(page.batches.map((batch) => batch.id)).toEqual([none, id]);
  expect(page.batches[0]?.scores).toBeNull();
  const scores = page.batches[1]?.scores;
  expect(scores?.mean).toBe(mean?.score);
  const expected = new Array<number>(50).fill(0);
  for (const { from, count } of histogram) {
    const bin = Math.floor(Math.max(0, from * 100) / 2 + 1e-9);
    expected[bin] = (expected[bin] ?? 0) + count;
  }
  expect(scores?.histogram).toEqual(expected);
  expect(scores?.histogram.reduce((sum, items) => sum + items, 0)).toBe(4);
  const [plain] = (await engine.batches.list(tenant, { limit: 1 })).batches;
  expect(plain).not.toHaveProperty('scores');
});
