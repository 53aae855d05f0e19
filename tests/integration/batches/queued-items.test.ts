import { afterEach, beforeEach, expect, test } from 'vitest';
import { everyTenant, queuedItems, queuedSums } from '../../../shared/redis/keys.ts';
import { type Engine, item, startEngine, succeeded, tenant } from '../../support/engine.ts';

const total = 30_000;
let engine: Engine;
beforeEach(async () => {
  engine = await startEngine(1, total);
});
afterEach(() => engine.close());

const limits = { queuedItems: 20_000, weight: 1 };
const sums = () => engine.redis.hgetall(queuedSums(engine.redis));

test('the items in unfinished batches are limited per tenant', async () => {
  await engine.post(15_000, { limits });
  await expect(engine.post(5_001, { limits })).rejects.toMatchObject({ code: 'tenant.queue_full', retryAfter: 30 });
  await engine.post(5_000, { limits });
  await engine.post(10_000, { tenant: 'other', limits });
  expect(await sums()).toEqual({ [tenant]: '20000', other: '10000', '': '30000' });
  await expect(engine.post(1, { tenant: 'third' })).rejects.toMatchObject({
    code: 'overloaded',
    retryAfter: expect.any(Number),
  });
});

test.each([128, 128 + 32 * 64])('a batch of %i items, whose last chunk fills a write, is counted', async (count) => {
  await engine.post(count, { limits });
  expect(await sums()).toEqual({ [tenant]: String(count), '': String(count) });
});

test('an endless upload is stopped while it arrives, and what it brought is gone', async () => {
  let sent = 0;
  function* endless() {
    for (;;) {
      sent += 64;
      yield Array.from({ length: 64 }, (_, at) => item(sent + at));
    }
  }
  await expect(engine.postItems(endless())).rejects.toMatchObject({ code: 'batch.too_many_items' });
  expect(sent).toBeLessThan(2 * total);
  expect(Number((await sums())[''] ?? 0)).toBe(0);
  expect(await engine.redis.hlen(queuedItems(engine.redis))).toBe(0);
});

test.each<[string, (id: string) => Promise<unknown>]>([
  ['completed', (id) => engine.commit(id, 0, succeeded(0, 4))],
  ['cancelled', (id) => engine.batches.cancel(tenant, id)],
  ['removed', (id) => engine.batches.remove(tenant, id)],
])('a batch that is %s counts no longer, once', async (_how, end) => {
  const id = await engine.post(4, { limits });
  const other = await engine.post(6, { limits });
  await end(id);
  await engine.sweeper.sweep();
  expect(await sums()).toEqual({ [tenant]: '6', '': '6' });
  await engine.batches.cancel(tenant, other);
  expect(await sums()).toEqual({ '': '0' });
});

test('two that are posted at once do not pass the limit together', async () => {
  const posted = await Promise.allSettled([1, 2, 3].map(() => engine.post(9_000, { limits })));
  expect(posted.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect((await sums())[tenant]).toBe('18000');
});

test('everybody’s batches are listed together, by pages, and forgotten with their batch', async () => {
  const ids = [];
  for (const owner of ['a', 'b', 'a', 'c']) ids.unshift(await engine.post(1, { tenant: owner }));
  const first = await engine.batches.list(everyTenant, { limit: 3 });
  const rest = await engine.batches.list(everyTenant, { limit: 3, ...(first.next && { cursor: first.next }) });
  expect([...first.batches, ...rest.batches].map(({ id }) => id)).toEqual(ids);
  expect(first.batches.map((batch) => batch.tenant)).toEqual(['c', 'a', 'b']);
  await engine.batches.remove(everyTenant, ids[0] ?? '');
  expect((await engine.batches.list(everyTenant, { limit: 10 })).batches.map(({ id }) => id)).toEqual(ids.slice(1));
});

test('a batch that is more than its tenant, or the service, may ever have is refused for good', async () => {
  const limits = { queuedItems: 10, weight: 1 };
  const refused = { code: 'batch.too_many_items', message: expect.stringContaining('more than 10 items') };
  await expect(engine.post(11, { limits, tenant: 'small' })).rejects.toMatchObject(refused);
  await expect(engine.post(100_000)).rejects.toMatchObject({ code: 'batch.too_many_items', retryAfter: undefined });
  // It leaves nothing that would count.
  await engine.post(10, { limits, tenant: 'small' });
  await expect(engine.post(1, { limits, tenant: 'small' })).rejects.toMatchObject({ code: 'tenant.queue_full' });
});
