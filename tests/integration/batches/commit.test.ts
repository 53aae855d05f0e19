import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchKeys, finishedBatches, liveBatches } from '../../../shared/redis/keys.ts';
import { type Engine, failed, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const itemsOf = async (id: string) => (await engine.batches.status(tenant, id)).items;

test('a chunk that is committed twice is counted once', async () => {
  const id = await engine.post(8);
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'committed' });
  expect(await engine.commit(id, 0, failed(0, 4))).toMatchObject({ verdict: 'already' });
  expect(await itemsOf(id)).toEqual({ total: 8, succeeded: 4, failed: 0, cancelled: 0, pending: 4 });
});

test('two workers that commit the same chunk at once are counted once', async () => {
  const id = await engine.post(4);
  const verdicts = await Promise.all([engine.commit(id, 0, succeeded(0, 4)), engine.commit(id, 0, failed(0, 4))]);
  expect(verdicts.map(({ verdict }) => verdict).sort()).toEqual(['already', 'committed']);
  const { results } = await engine.batches.results(tenant, id, { limit: 100 });
  expect(results.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
});

test('the last commit ends the batch and moves it from the live to the finished ones', async () => {
  const id = await engine.post(8);
  await engine.commit(id, 1, failed(4, 4));
  expect(await engine.redis.zscore(liveBatches(engine.redis), id)).not.toBeNull();
  const last = await engine.commit(id, 0, succeeded(0, 4));
  expect(last).toMatchObject({ verdict: 'committed', state: 'completed_with_errors' });
  expect(await engine.redis.zscore(liveBatches(engine.redis), id)).toBeNull();
  const status = await engine.batches.status(tenant, id);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).toBe(String(Date.parse(status.expiresAt ?? '')));
  expect(status.failures).toEqual({ 'image.corrupt': 4 });
});

test('results come in the order of their commits, and the cursor leads to what is committed later', async () => {
  const id = await engine.post(12);
  await engine.commit(id, 2, succeeded(8, 4));
  const first = await engine.batches.results(tenant, id, { limit: 3 });
  expect(first.results.map(({ index }) => index)).toEqual([8, 9, 10]);
  await engine.commit(id, 0, succeeded(0, 4));
  const second = await engine.batches.results(tenant, id, { limit: 100, cursor: first.next ?? '' });
  expect(second.results.map(({ index }) => index)).toEqual([11, 0, 1, 2, 3]);
  await engine.commit(id, 1, failed(4, 4));
  const third = await engine.batches.results(tenant, id, { limit: 100, cursor: second.next ?? '' });
  expect(third.results.map(({ index }) => index)).toEqual([4, 5, 6, 7]);
  expect(third.next).toBeNull();
});

test('an invented cursor is refused', async () => {
  const id = await engine.post(4);
  await expect(engine.batches.results(tenant, id, { limit: 1, cursor: 'bm9uZQ' })).rejects.toMatchObject({
    code: 'request.invalid',
  });
});

test('another tenant does not see the batch', async () => {
  const id = await engine.post(4);
  await expect(engine.batches.status('other', id)).rejects.toMatchObject({ code: 'batch.not_found' });
  await expect(engine.batches.results('other', id, { limit: 1 })).rejects.toMatchObject({ code: 'batch.not_found' });
});

test('picking a chunk of a batch that is gone, done or finished says so', async () => {
  const id = await engine.post(4);
  expect(await engine.chunks.pick(engine.job('nowhere', 0), 'compact')).toEqual({ verdict: 'gone' });
  expect(await engine.chunks.pick(engine.job(id, 0), 'compact')).toMatchObject({
    verdict: 'run',
    input: { offset: 0 },
  });
  await engine.commit(id, 0, succeeded(0, 4));
  expect(await engine.chunks.pick(engine.job(id, 0), 'compact')).toEqual({ verdict: 'done' });
});

test('a batch holds a window of jobs in the queue, and picking one lets in the next', async () => {
  const id = await engine.post(4 * 32 + 64 * 10);
  const keys = batchKeys(engine.redis, id);
  const waiting = async () => (await engine.redis.smembers(keys.waiting)).map(Number).sort((a, b) => a - b);
  expect(await waiting()).toEqual(Array.from({ length: 32 }, (_, chunk) => chunk));
  await engine.chunks.pick(engine.job(id, 0), 'compact');
  expect((await waiting()).at(-1)).toBe(32);
  expect(await engine.queues.jobState('compact', id, 32)).toBe('live');
  expect(await engine.queues.jobState('compact', id, 33)).toBe('absent');
});
