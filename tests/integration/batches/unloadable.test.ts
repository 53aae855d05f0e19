import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const why = 'm cannot be loaded: its golden values differ';
/** As a worker does that cannot load the model. */
async function attempt(id: string, chunk = 0): Promise<void> {
  await engine.chunks.pick(engine.job(id, chunk), 'compact');
  await engine.chunks.block(engine.job(id, chunk), why);
  await engine.chunks.release(engine.job(id, chunk));
}
const timeIsUp = (id: string) => engine.redis.hset(batchKeys(engine.redis, id).batch, 'waitingSince', 1);

test('a batch whose model cannot be loaded says so at once, and continues when it can', async () => {
  const id = await engine.post(8);
  expect(await engine.batches.status(tenant, id)).toMatchObject({ waitingFor: null });
  await attempt(id);
  expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'running', waitingFor: why });
  await engine.commit(id, 0, succeeded(0, 4));
  expect(await engine.batches.status(tenant, id)).toMatchObject({ waitingFor: null });
  // Its time begins anew.
  await attempt(id, 1);
  expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'running', waitingFor: why });
});

test('a batch that no worker could evaluate for its time fails with the reason, and others are not affected', async () => {
  const [id, other] = [await engine.post(8), await engine.post(4)];
  await attempt(id);
  await timeIsUp(id);
  await attempt(id);
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    state: 'failed',
    reason: 'model_unavailable',
    waitingFor: null,
    items: { succeeded: 0, cancelled: 8, pending: 0 },
  });
  expect(await engine.queues.jobState('compact', id, 1)).toBe('absent');
  expect(await engine.chunks.pick(engine.job(other, 0), 'compact')).toMatchObject({ verdict: 'run' });
});
