import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { consumeChunks } from '../../../batches/queue/chunk-consumer.ts';
import { createSharedSettings } from '../../../batches/store/shared-settings.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { batchKeys, finishedBatches, settingsOfProcesses } from '../../../shared/redis/keys.ts';
import { type Engine, item, pinned, sourceOf, startEngine, succeeded, tenant } from '../../support/engine.ts';
import { silentLog } from '../../support/silent-log.ts';

let engine: Engine;
let other: Awaited<ReturnType<Engine['beside']>>;
beforeAll(async () => {
  engine = await startEngine();
  other = await engine.beside('other-1');
});
afterAll(async () => {
  await other.close();
  await engine.close();
});

const postOther = async (count: number) => {
  const items = itemsOfList(
    Array.from({ length: count }, (_, at) => item(at)),
    'lenient',
  );
  return await other.engine.batches.post({ tenant, pinned, options: {}, items: sourceOf(items) });
};

test('two services on one Redis do not see each other’s batches, queues and turns', async () => {
  const own = await engine.post(8);
  const { id: foreign } = await postOther(8);
  await expect(engine.batches.status(tenant, foreign)).rejects.toMatchObject({ code: 'batch.not_found' });
  await expect(other.engine.batches.status(tenant, own)).rejects.toMatchObject({ code: 'batch.not_found' });
  expect((await engine.batches.list(tenant, { limit: 10 })).batches.map(({ id }) => id)).toEqual([own]);
  expect((await other.engine.batches.list(tenant, { limit: 10 })).batches.map(({ id }) => id)).toEqual([foreign]);
  expect(await other.engine.chunks.pick(engine.job(own, 0), 'compact')).toEqual({ verdict: 'gone' });
  expect(await other.engine.queues.jobState('compact', own, 0)).toBe('absent');
  for (const counts of [await engine.queues.counts(), await other.engine.queues.counts()]) {
    expect(counts).toMatchObject([{ waiting: 2 }]);
  }
});

test('neither service sweeps or forgets the batches of the other', async () => {
  const { id } = await postOther(4);
  await other.engine.chunks.commit(engine.job(id, 0), { offset: 0, items: [] }, succeeded(0, 4));
  await other.redis.zadd(finishedBatches(other.redis), 1, id);
  await engine.sweeper.sweep();
  expect(await other.engine.batches.status(tenant, id)).toMatchObject({ state: 'completed' });
  await other.engine.sweeper.sweep();
  await expect(other.engine.batches.status(tenant, id)).rejects.toMatchObject({ code: 'batch.not_found' });
});

test('a worker takes the chunks of its own prefix alone', async () => {
  const connection = engine.connectWorker();
  const taken: string[] = [];
  const mark = await engine.post(4);
  const { id: foreign } = await postOther(4);
  const done = Promise.withResolvers<void>();
  const consumer = consumeChunks(
    connection,
    'compact',
    { usual: 1 },
    async ({ data }) => {
      taken.push(data.batchId);
      if (data.batchId === mark) done.resolve();
      return { done: {} };
    },
    silentLog(),
  );
  await done.promise;
  await consumer.close();
  connection.disconnect();
  expect(taken).not.toContain(foreign);
  expect(await other.engine.queues.jobState('compact', foreign, 0)).toBe('live');
});

test('every key of a service begins with its prefix, and those of a batch share a slot', async () => {
  const { id } = await postOther(4);
  const keys = await engine.keys('*');
  const foreign = keys.filter((key) => !/^(\{vls\}|vls):/.test(key));
  expect(foreign.length).toBeGreaterThan(5);
  for (const key of foreign) expect(key).toMatch(/^(\{other-1\}|other-1):/);
  expect(batchKeys(other.redis, id).batch).toBe(`other-1:{${id}}:batch`);
});

test('processes with unlike settings on one prefix are found, on both sides, until they are alike', async () => {
  const log = silentLog();
  const errors = vi.spyOn(log, 'error');
  const settingsOf = (retention: string) =>
    createSharedSettings(engine.redis, { BATCH_RETENTION_HOURS: retention }, log);
  const [first, second] = [settingsOf('1'), settingsOf('24')];
  await first.compare();
  await second.compare();
  await first.compare();
  expect(first.differences()).toEqual(['BATCH_RETENTION_HOURS is 1 here and 24 in another process']);
  expect(second.differences()).toEqual(['BATCH_RETENTION_HOURS is 24 here and 1 in another process']);
  const said = errors.mock.calls.length;
  await first.compare();
  expect(errors.mock.calls).toHaveLength(said);
  // The other ends, and is not heard of for a minute.
  const hash = settingsOfProcesses(engine.redis);
  for (const [process, value] of Object.entries(await engine.redis.hgetall(hash))) {
    await engine.redis.hset(hash, process, value.replace(/^\d+/, '1'));
  }
  await first.compare();
  expect(first.differences()).toEqual([]);
  first.close();
  second.close();
});

test('the settings of services with other prefixes are their own', async () => {
  const alone = createSharedSettings(other.redis, { PAYLOADS: 's3://elsewhere/' }, silentLog());
  const here = createSharedSettings(engine.redis, { PAYLOADS: 'nowhere' }, silentLog());
  await here.compare();
  await alone.compare();
  expect(alone.differences()).toEqual(['PAYLOADS is s3://elsewhere/ here and redis in another process']);
  alone.close();
  here.close();
});
