import { afterAll, beforeAll, expect, test } from 'vitest';
import { finishedBatches } from '../../../batches/keys.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

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
  await engine.redis.zadd(finishedBatches, Date.now() - 1, id);
  await setLimit(1_000_000);
  await engine.sweeper.sweep();
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  expect(await engine.redis.zscore(finishedBatches, id)).toBeNull();
});

test('and so do those that are deleted', async () => {
  const id = await ended();
  await setLimit(1_000_000);
  await engine.batches.remove(tenant, id);
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  expect(await engine.redis.zscore(finishedBatches, id)).toBeNull();
});
