import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchKeys, liveBatches } from '../../../shared/redis/keys.ts';
import { type Engine, failed, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const pick = (id: string, chunk: number) => engine.chunks.pick(engine.job(id, chunk), 'compact');
const resultsOf = async (id: string) => (await engine.batches.results(tenant, id, { limit: 1_000 })).results;
const lastEvent = async (id: string) =>
  (await engine.redis.xrevrange(batchKeys(engine.redis, id).events, '+', '-', 'COUNT', 1))[0];

test('a cancelled batch ends with its last chunk in flight, and has the outcomes of that', async () => {
  const id = await engine.post(20);
  await pick(id, 0);
  await pick(id, 1);
  expect(await engine.batches.cancel(tenant, id)).toMatchObject({
    state: 'running',
    phase: 'stopping',
    finishedAt: null,
    items: { cancelled: 0, pending: 20 },
  });
  // Nothing of it waits in the queue any more, and nothing more is let in.
  for (const chunk of [2, 3, 4]) expect(await engine.queues.jobState('compact', id, chunk)).toBe('absent');
  await engine.sweeper.sweep();
  expect(await engine.queues.jobState('compact', id, 2)).toBe('absent');
  expect(await pick(id, 3)).toEqual({ verdict: 'stopped' });

  expect(await engine.commit(id, 0, [...succeeded(0, 3), ...failed(3, 1)])).toMatchObject({
    verdict: 'committed',
    state: 'running',
  });
  expect(await engine.commit(id, 1, succeeded(4, 4))).toMatchObject({ verdict: 'committed', state: 'cancelled' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    state: 'cancelled',
    phase: 'finished',
    finishedAt: expect.any(String),
    items: { total: 20, succeeded: 7, failed: 1, cancelled: 12, pending: 0 },
  });
  const results = await resultsOf(id);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(results.filter(({ status }) => status === 'cancelled')).toHaveLength(12);
  expect(await engine.redis.zscore(liveBatches(engine.redis), id)).toBeNull();
});

test('nothing of a batch changes after its end', async () => {
  const id = await engine.post(20);
  await engine.batches.cancel(tenant, id);
  const [status, results, event] = [await engine.batches.status(tenant, id), await resultsOf(id), await lastEvent(id)];
  expect(status).toMatchObject({ state: 'cancelled', items: { cancelled: 20 } });
  expect(await engine.commit(id, 1, succeeded(4, 4))).toEqual({ verdict: 'late', state: 'cancelled' });
  await engine.chunks.release(engine.job(id, 2));
  await engine.sweeper.sweep();
  expect(await engine.batches.status(tenant, id)).toEqual(status);
  expect(await resultsOf(id)).toEqual(results);
  expect(await lastEvent(id)).toEqual(event);
});

test('a chunk in flight that is handed back, or whose worker has died, ends the cancelled batch', async () => {
  const handedBack = await engine.post(8);
  await pick(handedBack, 0);
  await engine.batches.cancel(tenant, handedBack);
  await engine.chunks.release(engine.job(handedBack, 0));
  expect(await engine.batches.status(tenant, handedBack)).toMatchObject({
    state: 'cancelled',
    items: { cancelled: 8 },
  });

  const lost = await engine.post(8);
  await pick(lost, 0);
  await engine.batches.cancel(tenant, lost);
  // Its job comes back by its lock, and another worker takes it.
  expect(await pick(lost, 0)).toEqual({ verdict: 'stopped' });
  expect(await engine.batches.status(tenant, lost)).toMatchObject({ state: 'cancelled', items: { cancelled: 8 } });
});

test('a chunk in flight that never comes back is waited for until its time is up', async () => {
  const id = await engine.post(8);
  await pick(id, 0);
  await engine.batches.cancel(tenant, id);
  await engine.sweeper.sweep();
  expect(await engine.batches.status(tenant, id)).toMatchObject({ phase: 'stopping' });
  await engine.redis.hset(batchKeys(engine.redis, id).batch, 'stopUntil', 1);
  await engine.sweeper.sweep();
  expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'cancelled', items: { cancelled: 8 } });
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'late' });
});

test('a cancelled batch all of whose chunks were in flight is completed', async () => {
  const id = await engine.post(4);
  await pick(id, 0);
  await engine.batches.cancel(tenant, id);
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ state: 'completed' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({ items: { succeeded: 4, cancelled: 0 } });
});

test('a spent failure budget ends the batch with its last chunk in flight, as failed', async () => {
  const id = await engine.post(40, { options: { budgetCount: 0, budgetAfter: 0 } });
  for (const chunk of [0, 1, 2]) await pick(id, chunk);
  expect(await engine.commit(id, 0, failed(0, 4))).toMatchObject({ verdict: 'committed', state: 'running' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({ phase: 'stopping' });
  expect(await engine.queues.jobState('compact', id, 5)).toBe('absent');
  // A cancellation in between changes nothing.
  await engine.batches.cancel(tenant, id);
  expect(await engine.commit(id, 1, succeeded(4, 4))).toMatchObject({ state: 'running' });
  expect(await engine.commit(id, 2, failed(8, 4))).toMatchObject({ state: 'failed' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    state: 'failed',
    reason: 'failure_budget',
    items: { succeeded: 4, failed: 8, cancelled: 28 },
  });
});

test('a stopping batch holds none of its tenant’s other batches back', async () => {
  const large = 4 * 32 + 64 * 40;
  const high = await engine.post(large, { options: { priority: 5 }, tenant: 'other' });
  await engine.chunks.pick(engine.job(high, 0, 'other'), 'compact');
  const low = await engine.post(16, { tenant: 'other' });
  expect(await engine.redis.scard(batchKeys(engine.redis, low).waiting)).toBe(0);
  await engine.batches.cancel('other', high);
  expect(await engine.batches.status('other', high)).toMatchObject({ phase: 'stopping' });
  expect(await engine.redis.scard(batchKeys(engine.redis, low).waiting)).toBe(4);
});
