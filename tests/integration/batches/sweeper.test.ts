import { Worker } from 'bullmq';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchKeys, finishedBatches, liveBatches, queueName, queuePrefix } from '../../../shared/redis/keys.ts';
import { type Engine, pinned, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine.close());

test('a chunk whose job is gone is queued again', async () => {
  const id = await engine.post(8);
  await engine.queues.remove('compact', id, 1);
  await engine.sweeper.sweep();
  expect(await engine.queues.jobState('compact', id, 1)).toBe('live');
});

test('a batch that was sealed and never dispatched is dispatched', async () => {
  const id = await engine.post(8);
  // As if the API had died between the seal and the queue.
  for (const chunk of [0, 1]) await engine.queues.remove('compact', id, chunk);
  await engine.redis.del(batchKeys(engine.redis, id).waiting);
  await engine.redis.hset(batchKeys(engine.redis, id).batch, 'cursor', 0);
  await engine.sweeper.sweep();
  expect(await engine.queues.jobState('compact', id, 0)).toBe('live');
  expect(await engine.queues.jobState('compact', id, 1)).toBe('live');
});

test('a chunk whose job failed for good ends as internal, and its batch ends with it', async () => {
  const id = await engine.post(4);
  const connection = engine.connectWorker();
  const worker = new Worker(queueName(pinned.profile), null, { connection, prefix: queuePrefix(engine.redis) });
  const taken = await worker.getNextJob('token');
  if (taken === undefined) throw new Error('The job cannot be taken');
  taken.opts.attempts = 1;
  await taken.moveToFailed(new Error('again and again'), 'token');
  await worker.close();
  connection.disconnect();

  await engine.sweeper.sweep();
  expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'failed', failures: { internal: 4 } });
  const { results } = await engine.batches.results(tenant, id, { limit: 10 });
  expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
});

test('a slow worker whose chunk is still in the queue is not disturbed', async () => {
  const id = await engine.post(4);
  await engine.chunks.pick(engine.job(id, 0), 'compact');
  await engine.sweeper.sweep();
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ state: 'completed' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({ items: { succeeded: 4 } });
});

test('a finished batch that its worker could not retire is retired', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  await engine.redis.zadd(liveBatches(engine.redis), Date.now(), id);
  await engine.redis.zrem(finishedBatches(engine.redis), id);
  await engine.sweeper.sweep();
  expect(await engine.redis.zscore(liveBatches(engine.redis), id)).toBeNull();
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).not.toBeNull();
});

test('an expired batch is deleted completely', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  await engine.redis.zadd(finishedBatches(engine.redis), Date.now() - 1, id);
  await engine.sweeper.sweep();
  await expect(engine.batches.status(tenant, id)).rejects.toMatchObject({ code: 'batch.not_found' });
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  expect(await engine.redis.zrange(finishedBatches(engine.redis), 0, '-1')).toEqual([]);
});
