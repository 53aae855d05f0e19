import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { itemsOfList } from '../../../formats/items.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { batchKeys, liveBatches } from '../../../shared/redis/keys.ts';
import { type Engine, item, startEngine, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

test('the first 32 chunks have 4 items, the others 64', async () => {
  const id = await engine.post(32 * 4 + 64 + 10);
  const sizes = [];
  for (const chunk of [0, 31, 32, 33]) {
    const picked = await engine.chunks.pick(engine.job(id, chunk), 'compact');
    sizes.push(picked.verdict === 'run' ? [picked.input.offset, picked.input.items.length] : picked.verdict);
  }
  expect(sizes).toEqual([
    [0, 4],
    [124, 4],
    [128, 64],
    [192, 10],
  ]);
});

test('a chunk closes at 4 MiB, however few its items are', async () => {
  const image = 'A'.repeat(3 * 1024 * 1024);
  const { id } = await engine.postItems(itemsOfList([{ image, text: 'a' }, { image, text: 'b' }, item(2)], 'lenient'));
  const picked = await engine.chunks.pick(engine.job(id, 0), 'compact');
  expect(picked).toMatchObject({ verdict: 'run', input: { items: [{ text: 'a' }] } });
});

test('a batch is invisible until it is sealed, and an interrupted one is deleted', async () => {
  async function* breaksOff() {
    for (let index = 0; index < 10; index++) yield [item(index)];
    const ids = await engine.redis.zrange(liveBatches(engine.redis), 0, '-1');
    await expect(engine.batches.status(tenant, ids.at(-1) ?? '')).rejects.toMatchObject({ code: 'batch.not_found' });
    throw new Error('connection lost');
  }
  const before = (await engine.keys('*in:0')).sort();
  await expect(engine.postItems(breaksOff())).rejects.toThrow('connection lost');
  await engine.sweeper.sweep();
  expect((await engine.keys('*in:0')).sort()).toEqual(before);
});

test('a batch whose sender is still heard of is left alone by the sweeper', async () => {
  async function* slow() {
    yield [item(0)];
    for (let index = 1; index < 8; index++) yield [item(index)];
    await engine.sweeper.sweep();
    yield [item(8)];
  }
  const { items } = await engine.postItems(slow());
  expect(items.total).toBe(9);
});

test('a batch that is sealed while the sweeper looks at it is kept', async () => {
  const hmget = engine.redis.hmget.bind(engine.redis) as (
    key: string,
    ...fields: string[]
  ) => Promise<(string | null)[]>;
  const looked = Promise.withResolvers<void>();
  let sealed: Promise<BatchStatus> | undefined;
  let sweep: Promise<void> | undefined;
  async function* swept() {
    yield [item(0)];
    // The sweeper acts on the state of a batch that has been sealed since it was read.
    const spy = vi.spyOn(engine.redis, 'hmget');
    spy.mockImplementation(async (...args: unknown[]) => {
      const [key = '', ...fields] = args as string[];
      const seen = await hmget(key, ...fields);
      if (seen[fields.indexOf('state')] !== 'accepting') return seen;
      spy.mockRestore();
      looked.resolve();
      await sealed;
      return seen;
    });
    sweep = engine.sweeper.sweep();
    await looked.promise;
  }
  sealed = engine.postItems(swept());
  const { id } = await sealed;
  await sweep;
  expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'queued', items: { total: 1 } });
});

test('a batch whose lease ran out before the seal is refused as a whole', async () => {
  async function* stalls() {
    for (let index = 0; index < 6; index++) yield [item(index)];
    const [id] = (await engine.redis.zrange(liveBatches(engine.redis), -1, '-1')) as [string];
    await engine.redis.del(batchKeys(engine.redis, id).lease);
    await engine.sweeper.sweep();
  }
  await expect(engine.postItems(stalls())).rejects.toMatchObject({ code: 'batch.interrupted' });
});

test('items are stored with their fault when they have one, and with what their owner knows them by', async () => {
  const { id } = await engine.postItems(
    itemsOfList([{ id: 'a', metadata: { row: 1 }, image: 5, text: 'x' }, 'nonsense'], 'lenient'),
  );
  const picked = await engine.chunks.pick(engine.job(id, 0), 'compact');
  expect(picked).toMatchObject({
    input: {
      items: [
        { id: 'a', metadata: { row: 1 }, error: { code: 'item.invalid', message: expect.stringContaining('image') } },
        { error: { code: 'item.invalid' } },
      ],
    },
  });
});
