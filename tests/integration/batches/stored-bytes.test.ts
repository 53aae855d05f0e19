import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claim } from '../../../batches/admission/claim.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { batchKeys, finishedBatches, storedBytes, storedSums } from '../../../shared/redis/keys.ts';
import { askMasters, mastersOf } from '../../../shared/redis/masters.ts';
import { type Engine, pinned, sourceOf, startEngine, succeeded } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine.close());

const mebibyte = 1024 * 1024;
const setLimit = (bytes: number) => askMasters(engine.redis, (master) => master.config('SET', 'maxmemory', bytes));
const limits = { queuedItems: 0, weight: 1, sharesMemory: true };
const sums = async () => {
  const held = await engine.redis.hgetall(storedSums(engine.redis));
  return Object.fromEntries(Object.entries(held).map(([tenant, bytes]) => [tenant, Number(bytes)]));
};

const metadata = () => ({ m: randomBytes(192 * 1024).toString('base64') });
const withMetadata = (count: number) => succeeded(0, count).map((result) => ({ ...result, metadata: metadata() }));

/** Items whose metadata takes about 0.75 MiB of Redis. */
async function post(tenant: string): Promise<string> {
  const items = Array.from({ length: 4 }, () => ({ image: 'x://y', text: 't', metadata: metadata() }));
  const posting = { tenant, limits, pinned, options: {}, items: sourceOf(itemsOfList(items, 'lenient')) };
  return (await engine.batches.post(posting)).id;
}

/** Posts until it is refused; the batches, and the refusal. */
async function fill(tenant: string): Promise<{ ids: string[]; refusal: unknown }> {
  const ids: string[] = [];
  for (let posts = 0; posts < 200; posts++) {
    try {
      ids.push(await post(tenant));
    } catch (refusal) {
      return { ids, refusal };
    }
  }
  throw new Error(`${tenant} was never refused`);
}

test('a tenant that stores all it can leaves room for the next ones, and gets room again when it deletes', async () => {
  await setLimit(32 * mebibyte);
  const { ids, refusal } = await fill('hostile');
  expect(refusal).toMatchObject({
    code: 'tenant.queue_full',
    retryAfter: 60,
    message: expect.stringMatching(
      /^Batches of hostile use \d+ MiB of Redis; with this batch they would exceed the limit of \d+ MiB/,
    ),
  });
  // Alone it had two thirds of the room, inputs and outputs.
  const room = 0.85 * 32 * mebibyte * mastersOf(engine.redis).length;
  expect((await sums())['hostile']).toBeGreaterThan(0.5 * room);
  expect((await sums())['hostile']).toBeLessThan(0.75 * room);
  // One that ends with small results leaves room for another.
  const [first = ''] = ids;
  await engine.commit(first, 0, succeeded(0, 4));
  ids.push(await post('hostile'));
  for (const next of ['ordinary', 'third']) {
    await post(next);
    await expect(fill(next)).resolves.toMatchObject({ refusal: { code: 'tenant.queue_full' } });
  }
  for (const id of ids) await engine.batches.remove('hostile', id);
  expect(await sums()).not.toHaveProperty('hostile');
  await post('hostile');
});

test('a batch that has ended counts with the results that it has', async () => {
  const id = await post('short');
  const { short: before = 0 } = await sums();
  await engine.commit(id, 0, succeeded(0, 4));
  const { short: after = 0, '': all } = await sums();
  // Its inputs, without results of the same size.
  expect(after).toBeLessThan(0.52 * before);
  expect(after).toBeGreaterThan(0.5 * before);
  expect(all).toBe(after);
  await engine.ending.settle(id);
  expect(await sums()).toEqual({ short: after, '': after });

  const repeating = await post('repeating');
  await engine.commit(repeating, 0, withMetadata(4));
  expect((await sums())['repeating']).toBeGreaterThan(0.95 * before);
  await engine.batches.remove('short', id);
  await engine.batches.remove('repeating', repeating);
  expect(await sums()).toEqual({ '': 0 });
});

test('a batch counts until it has expired, and once however often it is forgotten', async () => {
  const other = await post('other');
  const { other: before } = await sums();
  const id = await post('short');
  await engine.commit(id, 0, succeeded(0, 4));
  expect((await sums())['short']).toBeGreaterThan(mebibyte / 2);
  await engine.redis.zadd(finishedBatches(engine.redis), 1, id);
  await engine.sweeper.sweep();
  await engine.ending.erase({ id, tenant: 'short' });
  expect(await sums()).toEqual({ other: before, '': before });
  await engine.batches.remove('other', other);
  expect(await sums()).toEqual({ '': 0 });
});

test('a batch whose upload breaks off counts no longer', async () => {
  async function* broken() {
    for (let index = 0; index < 1_000; index++) yield [{ image: 'x://y', text: randomBytes(8_192).toString('base64') }];
    throw new Error('The sender has left');
  }
  const posting = { tenant: 'a', limits, pinned, options: {}, items: sourceOf(broken()) };
  await expect(engine.batches.post(posting)).rejects.toThrow('The sender has left');
  expect(await sums()).toEqual({ '': 0 });
  expect(await engine.redis.hlen(storedBytes(engine.redis))).toBe(0);
});

test('claims of batches that are gone are released by the sweeper, those of a batch in its intake are not', async () => {
  const keys = [storedBytes(engine.redis), storedSums(engine.redis)] as const;
  const claimOf = (id: string, amount: number) => ({ id, tenant: 'a', amount, tenantLimit: 0, totalLimit: 0 });
  const live = randomUUID();
  await engine.redis.hset(batchKeys(engine.redis, live).batch, 'state', 'accepting');
  await claim(engine.redis, keys, claimOf(live, 7));
  for (let gone = 0; gone < 300; gone++) await claim(engine.redis, keys, claimOf(randomUUID(), 1_000));
  for (let rounds = 0; rounds < 5 && (await sums())['a'] !== 7; rounds++) await engine.sweeper.sweep();
  expect(await sums()).toEqual({ a: 7, '': 7 });
});

test('a tenant that is alone by configuration may fill Redis, and is not counted', async () => {
  await engine.post(8, { limits: { queuedItems: 0, weight: 1 } });
  expect(await sums()).toEqual({});
});
