import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consumeChunks } from '../../../batches/queue/chunk-consumer.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { createLogger } from '../../../shared/log.ts';
import { batchKeys, finishedBatches, queuePrefix } from '../../../shared/redis/keys.ts';
import { type Engine, failed, pinned, sourceOf, startEngine, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** Keys of Redis that name the batch. */
const keysOf = (id: string) => engine.keys(`*${id}*`);
/** Whatever Redis holds of BullMQ's jobs, as one text. */
async function jobsText(): Promise<string> {
  const texts: string[] = [];
  for (const key of await engine.keys(`${queuePrefix(engine.redis)}:evaluate-compact:*`)) {
    const type = await engine.redis.type(key);
    if (type === 'hash') texts.push(JSON.stringify(await engine.redis.hgetall(key)));
    if (type === 'list') texts.push(JSON.stringify(await engine.redis.lrange(key, 0, -1)));
    if (type === 'zset') texts.push(JSON.stringify(await engine.redis.zrange(key, 0, '-1')));
  }
  return texts.join('\n');
}

test('deleting a batch erases its results, events, jobs and their logs, and what a worker finishes later', async () => {
  const worker = engine.connectWorker();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const done: number[] = [];
  const took = new EventTarget();
  const consumer = consumeChunks(
    worker,
    'compact',
    { usual: 4 },
    async ({ data }) => {
      if (data.chunk === 1) {
        took.dispatchEvent(new Event('held'));
        await held;
      }
      if (data.chunk === 2) throw new Error('a fault that quotes a secret text');
      await engine.commit(data.batchId, data.chunk, failed(4 * data.chunk, 4));
      done.push(data.chunk);
      return { done: {}, log: ['item 0: image.corrupt'] };
    },
    await createLogger({ name: 'test', level: 'silent' }),
  );
  const isHeld = once(took, 'held');
  const id = await engine.post(16);
  await isHeld;
  await expect.poll(() => done.toSorted(), { timeout: 30_000 }).toEqual([0, 3]);
  await expect.poll(() => engine.keys(`*${id}-0:logs`), { timeout: 30_000 }).toHaveLength(1);

  await engine.batches.remove(tenant, id);
  const isOfHeldJob = (key: string) => key.includes(`${id}-1`);
  expect((await keysOf(id)).filter((key) => !isOfHeldJob(key))).toEqual([]);
  expect(await jobsText()).not.toContain('secret');

  release();
  await expect.poll(() => engine.keys(`*${id}-1:logs`), { timeout: 30_000 }).toHaveLength(1);
  await expect
    .poll(
      async () => {
        await engine.sweeper.sweep();
        return await keysOf(id);
      },
      { timeout: 30_000 },
    )
    .toEqual([]);
  await consumer.close();
  worker.disconnect();
});

test('deleting a batch erases its idempotency key, and not one that has led to another batch since', async () => {
  const items = () => sourceOf(itemsOfList([{ image: 'x://y', text: 't' }], 'lenient'), 'h');
  const post = async (idempotencyKey: string) => {
    const posting = { tenant, pinned, options: {}, items: items(), idempotencyKey };
    return (await engine.batches.post(posting)).id;
  };
  const keys = () => engine.keys('*idempotency*');
  const id = await post('the same');
  expect(await keys()).toHaveLength(1);
  expect(await post('the same')).toBe(id);
  await engine.batches.remove(tenant, id);
  expect(await keys()).toEqual([]);

  const next = await post('the same');
  expect(next).not.toBe(id);
  // As the sweeper repeats it for the first batch.
  await engine.redis.hset(batchKeys(engine.redis, id).batch, 'keyHash', (await keys())[0]?.split(':').at(-1) ?? '');
  await engine.ending.erase({ id, tenant });
  expect(await keys()).toHaveLength(1);
  // A retry has a key of its own.
  await engine.commit(next, 0, failed(0, 1));
  const retried = await engine.batches.retry(tenant, next, { idempotencyKey: 'again' });
  expect(await keys()).toHaveLength(2);
  await engine.batches.remove(tenant, retried.id);
  await engine.batches.remove(tenant, next);
  expect(await keys()).toEqual([]);
});

test('an expired batch erases its idempotency key', async () => {
  const items = sourceOf(itemsOfList([{ image: 'x://y', text: 't' }], 'lenient'), 'h');
  const posting = { tenant, pinned, options: {}, items, idempotencyKey: 'expiring' };
  const { id } = await engine.batches.post(posting);
  await engine.commit(id, 0, failed(0, 1));
  await engine.redis.zadd(finishedBatches(engine.redis), 1, id);
  await engine.sweeper.sweep();
  expect(await engine.keys(`*{${id}}*`)).toEqual([]);
  expect(await engine.keys('*idempotency*')).toEqual([]);
});
