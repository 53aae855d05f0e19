import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchEngine } from '../../../batches/engine.ts';
import type { ResultsQuery } from '../../../shared/contracts/batch/results.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { prefixOf } from '../../../shared/redis/prefix.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

/** Two processes of one service. */
let engine: Engine;
let other: Awaited<ReturnType<Engine['beside']>>;
beforeAll(async () => {
  engine = await startEngine();
  other = await engine.beside(prefixOf(engine.redis));
});
afterAll(async () => {
  await other.close();
  await engine.close();
});

const query: ResultsQuery = { sort: '-score', limit: 100 };
const indexes = async ({ batches }: BatchEngine, id: string, more: ResultsQuery = {}) =>
  (await batches.results(tenant, id, { ...query, ...more })).results.map(({ index }) => index);

async function ended(): Promise<string> {
  const id = await engine.post(8);
  for (const chunk of [0, 1]) await engine.commit(id, chunk, succeeded(4 * chunk, 4));
  return id;
}
const everyItem = [0, 1, 2, 3, 4, 5, 6, 7];

test('the index of a batch that has ended is read once', async () => {
  const id = await ended();
  expect(await indexes(engine, id)).toEqual(everyItem);
  const { scores, offsets } = batchKeys(engine.redis, id);
  await engine.redis.del(scores(0));
  await engine.redis.del(offsets);
  expect(await indexes(engine, id)).toEqual(everyItem);
});

test('the index of a batch that runs is read again, and its duplicates are found again', async () => {
  const id = await engine.post(8);
  await engine.commit(id, 0, succeeded(0, 4));
  expect(await indexes(engine, id)).toEqual([0, 1, 2, 3]);
  expect(await indexes(engine, id, { distinct: 'image' })).toEqual([0, 1, 2, 3]);
  await engine.commit(id, 1, succeeded(4, 4));
  expect(await indexes(engine, id)).toEqual(everyItem);
  expect(await indexes(engine, id, { distinct: 'image' })).toEqual(everyItem);
});

test('a batch that another process has deleted is not answered from memory', async () => {
  const id = await ended();
  for (const { batches } of [engine, other.engine]) {
    await batches.results(tenant, id, query);
    await batches.results(tenant, id, { ...query, distinct: 'pair' });
  }
  await other.engine.batches.remove(tenant, id);
  for (const more of [{}, { distinct: 'pair' as const }]) {
    await expect(engine.batches.results(tenant, id, { ...query, ...more })).rejects.toMatchObject({
      code: 'batch.not_found',
    });
  }
});

test('a batch that was evaluated again after Redis had lost its last second has its new index', async () => {
  const id = await engine.post(8);
  await engine.commit(id, 0, succeeded(0, 4));
  const { batch, done, scores, offsets, log } = batchKeys(engine.redis, id);
  const before = await engine.redis.hgetall(batch);
  const [doneThen, scoresThen, offsetsThen] = await Promise.all(
    [done, scores(0), offsets].map((key) => engine.redis.getBuffer(key)),
  );
  await engine.commit(id, 1, succeeded(4, 4));
  expect(await indexes(engine, id)).toEqual(everyItem);

  await engine.redis.del(batch, log);
  await engine.redis.hset(batch, before);
  for (const [key, value] of [
    [done, doneThen],
    [scores(0), scoresThen],
    [offsets, offsetsThen],
  ] as const) {
    await engine.redis.set(key, value ?? '');
  }
  // The end of the batch gets another time, in ms.
  await new Promise((resolve) => setTimeout(resolve, 2));
  const low = succeeded(4, 4).map((result) => ({ ...result, score: 50, cosine: 0.5 }));
  await engine.commit(id, 1, low);
  expect(await indexes(engine, id)).toEqual([4, 5, 6, 7, 0, 1, 2, 3]);
});
