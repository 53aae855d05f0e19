import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRoomGauge } from '../../../batches/room.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine.close());

const limit = async (share: number) => {
  const used = Number(/used_memory:(\d+)/.exec(await engine.redis.info('memory'))?.[1]);
  await engine.redis.config('SET', 'maxmemory', Math.round(used / share));
};

test('before Redis is full no more batches are taken, with the reason and a time to come back', async () => {
  const id = await engine.post(8);
  await limit(0.95);
  const room = createRoomGauge(engine.redis);
  await expect(room.check()).rejects.toMatchObject({
    code: 'queue.full',
    retryAfter: 60,
    message: expect.stringMatching(/Redis holds \d+ of \d+ MiB/),
  });
  // What is running still has room for its results.
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'committed' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({ items: { succeeded: 4 } });
});

test('with room left batches are taken', async () => {
  await limit(0.5);
  await expect(createRoomGauge(engine.redis).check()).resolves.toBeUndefined();
});

test('the durability of Redis is told as it is configured', async () => {
  expect(await engine.batches.durability()).toBe('always');
});
