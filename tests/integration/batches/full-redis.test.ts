import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refuseBatch } from '../../../batches/lifecycle/steps/refuse.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { infoNumber } from '../../../shared/redis/info.ts';
import { batchKeys, finishedBatches } from '../../../shared/redis/keys.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { until } from '../../../testing/until.ts';
import { type Engine, item, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine.close();
});

const setLimit = async (bytes: number) => {
  await askMasters(engine.redis, (master) => master.config('SET', 'maxmemory', bytes));
};

/** A batch that has ended; the test then fills Redis. */
async function ended(): Promise<string> {
  await setLimit(0);
  const id = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  return id;
}

test('from a Redis that is full expired batches still go', async () => {
  const id = await ended();
  await engine.redis.zadd(finishedBatches(engine.redis), Date.now() - 1, id);
  await setLimit(1_000_000);
  await engine.sweeper.sweep();
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).toBeNull();
});

test('and so do those that are deleted', async () => {
  const id = await ended();
  await setLimit(1_000_000);
  await engine.batches.remove(tenant, id);
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).toBeNull();
});

test('a batch is cancelled in a full Redis, and another one that waits behind it stays', async () => {
  await setLimit(0);
  const id = await engine.post(40);
  const behind = await engine.post(40);
  await setLimit(1_000_000);
  await engine.batches.cancel(tenant, id);
  expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'cancelled', items: { cancelled: 40 } });
  await engine.sweeper.sweep();
  expect(await engine.batches.status(tenant, behind)).toMatchObject({ state: 'queued' });
  await setLimit(0);
});

test('a running batch is deleted from a full Redis, and its memory is free', async () => {
  await setLimit(0);
  const used = async () => {
    const infos = await askMasters(engine.redis, (master) => master.info('memory'));
    return infos.reduce((sum, info) => sum + infoNumber(info, 'used_memory_dataset'), 0);
  };
  const before = await used();
  // Texts that do not compress.
  const items = Array.from({ length: 5_000 }, (_, index) => ({
    ...item(index),
    text: randomBytes(600).toString('base64'),
  }));
  const { id } = await engine.postItems(itemsOfList(items, 'lenient'));
  const added = (await used()) - before;
  expect(added).toBeGreaterThan(3_000_000);
  await setLimit(1_000_000);
  await engine.batches.remove(tenant, id);
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  await expect(engine.batches.status(tenant, id)).rejects.toMatchObject({ code: 'batch.not_found' });
  // Redis retains the scripts that it has loaded meanwhile, 0.5 MB on the masters of a cluster.
  await until(async () => expect((await used()) - before).toBeLessThan(added / 3));
  await setLimit(0);
});

test('a batch by reference that is refused in a full Redis ends', async () => {
  await setLimit(0);
  const id = await engine.post(4);
  await engine.redis.hset(batchKeys(engine.redis, id).batch, 'state', 'accepting', 'input', 's3://bucket/key');
  await setLimit(1_000_000);
  expect(await refuseBatch(engine.redis, id, { code: 'internal', message: 'gone' }, 1_000)).toBe(true);
  await setLimit(0);
});

test('a full Redis takes the outcomes of a chunk', async () => {
  await setLimit(0);
  const id = await engine.post(8);
  await setLimit(1_000_000);
  expect(await engine.chunks.pick(engine.job(id, 0), 'compact').catch(String)).toMatchObject({ verdict: 'run' });
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'committed' });
  await setLimit(0);
  expect(await engine.batches.status(tenant, id)).toMatchObject({ items: { succeeded: 4, pending: 4 } });
});
