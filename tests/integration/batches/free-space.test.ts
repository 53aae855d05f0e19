import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFreeSpaceGauge } from '../../../batches/admission/free-space.ts';
import { infoNumber } from '../../../shared/redis/info.ts';
import { mastersOf } from '../../../shared/redis/masters.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine.close());

/** Of a cluster one server: the others have room and write to disk, and it decides. */
const one = () => {
  const [master] = mastersOf(engine.redis);
  if (master === undefined) throw new Error('There is no Redis');
  return master;
};
const limit = async (share: number) => {
  const used = infoNumber(await one().info('memory'), 'used_memory');
  await one().config('SET', 'maxmemory', Math.round(used / share));
};

test('before Redis is full no more batches are taken, with the reason and a time to come back', async () => {
  const id = await engine.post(8);
  await limit(0.95);
  const freeSpace = createFreeSpaceGauge(engine.redis);
  await expect(freeSpace.check()).rejects.toMatchObject({
    code: 'queue.full',
    retryAfter: 60,
    message: expect.stringMatching(/Redis uses \d+ of its \d+ MiB/),
  });
  // Running batches still have memory for their results.
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'committed' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({ items: { succeeded: 4 } });
});

test('with room left batches are taken', async () => {
  await limit(0.5);
  await expect(createFreeSpaceGauge(engine.redis).check()).resolves.toBeUndefined();
});

test('the reported durability is that of the configured Redis', async () => {
  expect(await engine.batches.durability()).toBe('always');
});

test.each([
  ['appendfsync', 'everysec', 'everysec'],
  ['appendfsync', 'no', 'none'],
  ['appendonly', 'no', 'none'],
])('with %s %s on one server the durability is %s', async (name, value, level) => {
  await one().config('SET', name, value);
  expect(await engine.batches.durability()).toBe(level);
});
