import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reserve } from '../../../batches/intake/idempotency.ts';
import { sealBatch } from '../../../batches/intake/seal.ts';
import type { BatchEvent } from '../../../batches/reading/events.ts';
import { setFields } from '../../../batches/store/set-fields.ts';
import { readItems } from '../../../formats/index.ts';
import { itemsOfList } from '../../../formats/items.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { infoNumber } from '../../../shared/redis/info.ts';
import { batchKeys, dispatchOrder, liveBatches, turnKeys } from '../../../shared/redis/keys.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { type Engine, failed, item, pinned, sourceOf, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine.close());

const halfPair = '\ud83d';

test('half a surrogate pair in an id or in a malformed line does not keep its batch from ending', async () => {
  const [id] = [await engine.post(4)];
  const results = failed(0, 4).map((result) => ({ ...result, id: halfPair }));
  expect(await engine.commit(id, 0, results)).toMatchObject({ verdict: 'committed', state: 'failed' });
  async function* bytes() {
    yield Buffer.from(`{"image": ${'a'.repeat(9)}${'😀'.repeat(20)}\n`);
  }
  const columns = { image: 'image', text: 'text', id: 'id' };
  for await (const [stored] of readItems('ndjson', bytes(), { columns, strictness: 'lenient' }).items) {
    if (stored !== undefined && 'error' in stored) expect(stored.error.message.isWellFormed()).toBe(true);
  }
});

test('a commit that cannot be counted writes nothing at all', async () => {
  const id = await engine.post(4);
  const broken = succeeded(0, 4).map((result) => ({ ...result, cosine: Number.NaN }));
  await expect(engine.commit(id, 0, broken)).rejects.toThrow();
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'committed', state: 'completed' });
});

test('a chunk without a job and without outcomes is found and queued again', async () => {
  const id = await engine.post(12);
  const keys = batchKeys(engine.redis, id);
  await engine.queues.remove('compact', id, 1);
  await engine.redis.srem(keys.waiting, 1);
  await engine.sweeper.sweep();
  expect(await engine.queues.jobState('compact', id, 1)).toBe('live');
  expect(await engine.redis.sismember(keys.waiting, 1)).toBe(1);
});

test('a batch with a lost reply to its seal keeps its items, and ends', async () => {
  await engine.post(4);
  const commands = engine.redis as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
  const seal = commands['vls:sealBuffer']?.bind(engine.redis);
  vi.spyOn(commands, 'vls:sealBuffer').mockImplementationOnce(async (...values) => {
    await seal?.(...values);
    throw new Error('Connection is closed.');
  });
  await expect(engine.post(4)).rejects.toMatchObject({ code: 'queue.unavailable' });
  const { batches } = await engine.batches.list(tenant, { limit: 10 });
  const id = batches[0]?.id ?? '';
  await engine.sweeper.sweep();
  expect(await engine.chunks.pick(engine.job(id, 0), 'compact')).toMatchObject({ verdict: 'run' });
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ state: 'completed' });
});

test('an upload that fills Redis is refused with the reason, and leaves nothing behind', async () => {
  await askMasters(engine.redis, async (master) => {
    const used = infoNumber(await master.info('memory'), 'used_memory');
    await master.config('SET', 'maxmemory', used + 8_000_000);
  });
  async function* endless() {
    for (let at = 0; at < 10_000; at++) {
      const noise = Buffer.from(Array.from({ length: 30_000 }, () => Math.random() * 256)).toString('base64');
      yield [{ ...item(at), metadata: { noise } }];
    }
  }
  await expect(engine.postItems(endless())).rejects.toMatchObject({ code: 'queue.full' });
  expect(await engine.keys('vls:{*}:in:*')).toEqual([]);
  await engine.sweeper.sweep();
  expect(await engine.keys('vls:{*')).toEqual([]);
  expect(await engine.redis.zcard(liveBatches(engine.redis))).toBe(0);
});

test('a sender whose lease ran out is stopped at once, and what it stored is gone', async () => {
  async function* stalls() {
    for (let at = 0; at < 200; at++) yield [item(at)];
    const [id] = (await engine.redis.zrange(liveBatches(engine.redis), 0, '0')) as [string];
    await engine.redis.del(batchKeys(engine.redis, id).lease);
    await engine.sweeper.sweep();
    for (let at = 200; at < 4_000; at++) yield [item(at)];
  }
  await expect(
    engine.postItems(stalls(), { columns: ['image'], columnNames: { image: 'image', text: 'text', id: 'id' } }),
  ).rejects.toMatchObject({ code: 'batch.interrupted' });
  expect(await engine.keys('vls:{*')).toEqual([]);
});

test('a seal and a reservation whose answers were lost say the same again', async () => {
  const id = await engine.post(4);
  const again = (chunks: number) => sealBatch(engine.redis, id, { chunks, total: 4 });
  expect(await again(1)).toBe(true);
  expect(await again(2)).toBe(false);
  const never = async () => false;
  expect(await reserve(engine.redis, tenant, 'key', 'a', never)).toHaveProperty('reservation');
  expect(await reserve(engine.redis, tenant, 'key', 'a', never)).toHaveProperty('reservation');
  await expect(reserve(engine.redis, tenant, 'key', 'b', never)).rejects.toMatchObject({
    code: 'idempotency.in_flight',
  });
});

test('a reservation that somebody else has taken over can be neither renewed nor freed', async () => {
  const never = async () => false;
  const first = await reserve(engine.redis, tenant, 'key', 'a', never);
  if (!('reservation' in first)) throw new Error('The key is taken');
  await first.reservation.release();
  await reserve(engine.redis, tenant, 'key', 'b', never);
  await expect(first.reservation.renew()).rejects.toMatchObject({ code: 'batch.interrupted' });
  await first.reservation.release();
  await expect(reserve(engine.redis, tenant, 'key', 'c', never)).rejects.toMatchObject({
    code: 'idempotency.in_flight',
  });
});

test('a reader that falls behind the event stream gets the current state of the batch', async () => {
  // The stream stores about a thousand events, one for each chunk.
  const large = 1_300;
  const total = 4 * 32 + 64 * large;
  const id = await engine.post(total);
  const events = await engine.batches.follow(tenant, id, undefined, new AbortController().signal);
  const seen: BatchEvent[] = [];
  const first = await events?.next();
  const sizeOf = (chunk: number) => (chunk < 32 ? 4 : 64);
  for (let chunk = 0, offset = 0; chunk < 32 + large; offset += sizeOf(chunk++))
    await engine.commit(id, chunk, succeeded(offset, sizeOf(chunk)));
  if (first?.done === false) seen.push(first.value);
  for await (const event of events ?? []) seen.push(event);
  expect(seen.at(-1)?.event).toBe('end');
  expect(seen.map(({ event }) => event)).toContain('reset');
  // Each step is one chunk, or a reset that says where the batch stands.
  let last = 0;
  for (const { event, data } of seen) {
    const { succeeded: now } = (data as BatchStatus).items;
    if (event === 'progress') expect(now - last).toBeLessThanOrEqual(64);
    last = now;
  }
  expect(last).toBe(total);
});

test('a retry whose parent is deleted meanwhile fails as a whole, and the parent stays deleted', async () => {
  const id = await engine.post(400);
  for (let chunk = 0, offset = 0; offset < 400; chunk++) {
    const count = chunk < 32 ? 4 : Math.min(64, 400 - offset);
    await engine.commit(id, chunk, failed(offset, count));
    offset += count;
  }
  await engine.redis.del(batchKeys(engine.redis, id).output(0));
  await expect(engine.batches.retry(tenant, id)).rejects.toMatchObject({ code: /not_found|input_expired/ });
  await engine.batches.remove(tenant, id);
  await setFields(engine.redis, id, { retriedBy: 'x' });
  await engine.chunks.release(engine.job(id, 0));
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
});

test('an ended batch that is still in the order does not hold others, and equal ones resume together', async () => {
  const dead = await engine.post(4);
  await engine.commit(dead, 0, succeeded(0, 4));
  await engine.redis.zadd(dispatchOrder(engine.redis, 'compact', tenant), -50, dead);
  const low = await engine.post(4 * 32 + 64 * 40);
  expect(await engine.redis.scard(batchKeys(engine.redis, low).waiting)).toBe(32);
  const high = await engine.post(4 * 32 + 64 * 40, { options: { priority: 5 } });
  const held = [await engine.post(16), await engine.post(16)];
  for (const id of held) expect(await engine.redis.scard(batchKeys(engine.redis, id).waiting)).toBe(0);
  await engine.batches.cancel(tenant, high);
  for (const id of held) expect(await engine.redis.scard(batchKeys(engine.redis, id).waiting)).toBe(4);
});

test('what was cancelled before it was served is not charged to its tenant', async () => {
  for (let round = 0; round < 20; round++) await engine.batches.cancel('a', await engine.post(128, { tenant: 'a' }));
  const { turns, starts } = turnKeys(engine.redis, 'compact');
  expect(Number(await engine.redis.hget(turns, 'finish:a'))).toBe(0);
  expect(await engine.redis.hlen(starts)).toBe(0);
});

test('a page of results ends with its bytes, and pages on', async () => {
  const metadata = { large: 'm'.repeat(1024 * 1024) };
  const { id } = await engine.postItems(
    itemsOfList(
      Array.from({ length: 30 }, (_, at) => ({ ...item(at), metadata })),
      'lenient',
    ),
  );
  await engine.batches.cancel(tenant, id);
  const first = await engine.batches.results(tenant, id, { limit: 10_000 });
  expect(first.results.length).toBeLessThan(30);
  const indexes = first.results.map(({ index }) => index);
  for (let { next } = first; next !== null; ) {
    const page = await engine.batches.results(tenant, id, { limit: 10_000, cursor: next });
    indexes.push(...page.results.map(({ index }) => index));
    next = page.next;
  }
  expect(indexes).toEqual(Array.from({ length: 30 }, (_, at) => at));
});

test('idempotency keys of refused requests are not stored, and may be used again', async () => {
  const post = (items: unknown[], idempotencyKey: string) =>
    engine.batches.post({
      tenant,
      pinned,
      options: {},
      items: sourceOf(itemsOfList(items, 'strict'), JSON.stringify(items)),
      idempotencyKey,
    });
  await expect(post([], 'empty')).rejects.toMatchObject({ code: 'batch.empty' });
  await expect(post(['no item'], 'bad')).rejects.toMatchObject({ code: 'request.invalid' });
  const stored = await engine.redis.keys('*idempotency*');
  expect(stored).toEqual([]);

  const first = await post([item(0)], 'bad');
  expect((await post([item(0)], 'bad')).id).toBe(first.id);
});
