import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reserve } from '../../../batches/intake/idempotency.ts';
import { consumeChunks } from '../../../batches/queue/chunk-consumer.ts';
import { batchKeys, finishedBatches } from '../../../shared/redis/keys.ts';
import { until } from '../../../testing/until.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';
import { silentLog } from '../../support/silent-log.ts';

/** A process whose clock is four days off does what one with the right clock does. */
const offsets = { 'four days ahead': 4 * 24 * 3_600_000, 'four days behind': -4 * 24 * 3_600_000 };
const now = Date.now.bind(Date);

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(async () => {
  vi.useRealTimers();
  await engine.close();
});

function setClock(offset: number): void {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(now() + offset);
}
/** Within a minute: the test's own clock is that of Redis. */
const isNear = (iso: string | null, at: number) => Math.abs(Date.parse(iso ?? '') - at) < 60_000;

for (const [name, offset] of Object.entries(offsets)) {
  test(`a sweeper ${name} forgets no batch before its time, and each one whose time is over`, async () => {
    const ids = await Promise.all([1, 2, 3].map(() => engine.post(4)));
    for (const id of ids) await engine.commit(id, 0, succeeded(0, 4));
    await engine.redis.zadd(finishedBatches(engine.redis), now() - 1, ids[0] ?? '');
    const sending = await engine.post(4);
    setClock(offset);
    await engine.sweeper.sweep();
    await expect(engine.batches.status(tenant, ids[0] ?? '')).rejects.toMatchObject({ code: 'batch.not_found' });
    for (const id of ids.slice(1))
      expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'completed' });
    expect(await engine.batches.status(tenant, sending)).toMatchObject({ state: 'queued' });
  });

  test(`a batch that a process ${name} posts, evaluates and ends has the times of Redis`, async () => {
    setClock(offset);
    const id = await engine.post(8);
    await engine.chunks.pick(engine.job(id, 0), 'compact');
    await engine.commit(id, 0, succeeded(0, 4));
    const running = await engine.batches.status(tenant, id);
    expect(running.itemsPerSecond).toBeGreaterThan(0);
    await engine.commit(id, 1, succeeded(4, 4));
    const ended = await engine.batches.status(tenant, id);
    for (const time of [ended.createdAt, ended.startedAt, ended.finishedAt]) expect(isNear(time, now())).toBe(true);
    expect(isNear(ended.expiresAt, now() + 3_600_000)).toBe(true);
    // Nobody else forgets it too early.
    vi.useRealTimers();
    await engine.sweeper.sweep();
    expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'completed' });
  });

  test(`a process ${name} neither takes an idempotency key over nor loses its own`, async () => {
    const never = async () => false;
    await reserve(engine.redis, tenant, 'held', 'a', never);
    setClock(offset);
    await expect(reserve(engine.redis, tenant, 'held', 'b', never)).rejects.toMatchObject({
      code: 'idempotency.in_flight',
    });
    await reserve(engine.redis, tenant, 'own', 'a', never);
    vi.useRealTimers();
    await expect(reserve(engine.redis, tenant, 'own', 'b', never)).rejects.toMatchObject({
      code: 'idempotency.in_flight',
    });
  });

  test(`a stopped batch ends at the same time for a sweeper ${name}`, async () => {
    const id = await engine.post(8);
    await engine.chunks.pick(engine.job(id, 0), 'compact');
    await engine.batches.cancel(tenant, id);
    setClock(offset);
    await engine.sweeper.sweep();
    expect(await engine.batches.status(tenant, id)).toMatchObject({ phase: 'stopping' });
    await engine.redis.hset(batchKeys(engine.redis, id).batch, 'stopUntil', now() - 1);
    await engine.sweeper.sweep();
    expect(await engine.batches.status(tenant, id)).toMatchObject({ state: 'cancelled' });
  });

  test(`a chunk that a worker ${name} hands back is offered again`, async () => {
    const id = await engine.post(4);
    const connection = engine.connectWorker();
    const handedBack = Promise.withResolvers<void>();
    setClock(offset);
    const consumer = consumeChunks(
      connection,
      'compact',
      { usual: 1 },
      async () => {
        handedBack.resolve();
        return { handBack: 'not here', delayMs: 60_000, pauseMs: 60_000 };
      },
      silentLog(),
    );
    await handedBack.promise;
    await consumer.close();
    connection.disconnect();
    vi.useRealTimers();
    const queue = engine.queues.all().find(({ name: one }) => one === 'evaluate-compact');
    expect(await queue?.getJobState(`${id}-0`)).toBe('delayed');
    await engine.sweeper.sweep();
    expect(await queue?.getJobState(`${id}-0`)).toBe('prioritized');
  });

  test(`the speed that a worker ${name} reports is seen by others`, async () => {
    setClock(offset);
    engine.speed.add('compact', 100);
    vi.useRealTimers();
    await until(async () => expect((await engine.speed.read(['compact'])).get('compact')).toBeGreaterThan(0));
  });
}
