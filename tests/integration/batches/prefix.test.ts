import { afterAll, beforeAll, expect, test } from 'vitest';
import { consume } from '../../../batches/consumers.ts';
import { itemsOfList } from '../../../batches/intake/items.ts';
import { batchKeys, finishedBatches } from '../../../batches/keys.ts';
import { type Engine, item, pinned, startEngine, succeeded, tenant } from '../../support/engine.ts';
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
  return await other.engine.batches.post({ tenant, pinned, options: {}, items, bodyHash: () => '' });
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
  const consumer = consume(
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
