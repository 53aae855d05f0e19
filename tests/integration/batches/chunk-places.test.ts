import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChunkConsumer, consumeChunks, type Delivery } from '../../../batches/queue/chunk-consumer.ts';
import { createFairPlaces } from '../../../shared/fair-places.ts';
import { type Engine, failed, startEngine } from '../../support/engine.ts';
import { silentLog } from '../../support/silent-log.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

test('chunks of one tenant that take for ever do not stop those of another', async () => {
  const places = createFairPlaces({ places: 2, guaranteed: 1, hardLimit: 3 });
  const begun: string[] = [];
  const starts: number[] = [];
  const hold = Promise.withResolvers<void>();
  const take = async ({ data, starts: count }: Delivery) => {
    const release = places.tryTake(data.tenant);
    if (release === undefined) return { putBack: 'no place', delayMs: 100 };
    try {
      begun.push(data.tenant);
      starts.push(count);
      await engine.chunks.pick(data, 'compact');
      if (data.tenant === 'hostile') await hold.promise;
      await engine.commit(data.batchId, data.chunk, failed(4 * data.chunk, 4));
      return { done: {} };
    } finally {
      release();
    }
  };
  const concurrency = { usual: 2, most: 3, hasPlace: (tenant: string) => places.held(tenant) < 1 };
  await engine.post(40, { tenant: 'hostile' });
  const consumer: ChunkConsumer = consumeChunks(engine.connectWorker(), 'compact', concurrency, take, silentLog());
  await expect.poll(() => begun, { timeout: 30_000 }).toEqual(['hostile', 'hostile']);

  const id = await engine.post(12, { tenant: 'ordinary' });
  const done = async () => (await engine.batches.status('ordinary', id)).items.failed;
  await expect.poll(done, { timeout: 30_000 }).toBe(12);
  // The hostile chunks were in flight all the time, and no third one began beside them.
  expect(begun).toEqual(['hostile', 'hostile', 'ordinary', 'ordinary', 'ordinary']);

  hold.resolve();
  // Chunks that were put back have lost nothing, and were not started by that.
  await expect.poll(() => begun.filter((tenant) => tenant === 'hostile').length, { timeout: 20_000 }).toBe(10);
  expect(starts.every((count) => count === 0)).toBe(true);
  await consumer.close();
});

test('batches that are stopped or deleted take no more outcomes, and running ones do', async () => {
  const [running, cancelled, deleted] = [await engine.post(4), await engine.post(4), await engine.post(4)];
  await engine.batches.cancel('default', cancelled);
  await engine.batches.remove('default', deleted);
  expect(await engine.chunks.stopped([running, cancelled, deleted])).toEqual([cancelled, deleted]);
});
