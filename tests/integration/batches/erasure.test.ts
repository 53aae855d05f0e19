import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consumeChunks } from '../../../batches/queue/chunk-consumer.ts';
import { createLogger } from '../../../shared/log.ts';
import { queuePrefix } from '../../../shared/redis/keys.ts';
import { type Engine, failed, startEngine, tenant } from '../../support/engine.ts';

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
