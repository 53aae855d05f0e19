import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BatchEngine, type BatchEngineOptions, createBatchEngine } from '../../../batches/engine.ts';
import { createObjectStore } from '../../../batches/store/lazy-object-store.ts';
import { createPayloadStore, isLost, type PayloadLocation } from '../../../batches/store/payload-store.ts';
import type { ServiceError } from '../../../shared/errors.ts';
import { batchKeys, finishedBatches } from '../../../shared/redis/keys.ts';
import { bucket, startS3, type TestS3 } from '../../../testing/s3/server.ts';
import { type Engine, failed, item, sourceOf, startEngine, succeeded, tenant } from '../../support/engine.ts';
import { silentLog } from '../../support/silent-log.ts';

let s3: TestS3;
/** Its payloads lie in the bucket. */
let engine: Engine;
const inBucket: PayloadLocation = { bucket, key: 'payloads' };
const storageOf = (...payloads: PayloadLocation[]): NonNullable<BatchEngineOptions['storage']> => ({
  payloads,
  s3Endpoint: s3.env['S3_ENDPOINT'],
});
/** Another process over the same Redis, with another setting. */
const engineWith = (storage: BatchEngineOptions['storage']): BatchEngine =>
  createBatchEngine({
    redis: engine.redis,
    profiles: () => ['compact'],
    retentionHours: 1,
    storage: storage ?? {},
    log: silentLog(),
  });

beforeAll(async () => {
  s3 = await startS3();
  // The variables that the SDK reads.
  Object.assign(process.env, s3.env);
  engine = await startEngine(1, 0, storageOf(inBucket));
});
afterAll(async () => {
  await engine.close();
  await s3.remove();
});

const resultsOf = async (of: Pick<BatchEngine, 'batches'>, id: string) =>
  (await of.batches.results(tenant, id, { limit: 100 })).results;

test('items and outcomes lie in the bucket, and Redis keeps short references to them', async () => {
  const id = await engine.post(6);
  const picked = await engine.chunks.pick(engine.job(id, 1), 'compact');
  expect(picked).toMatchObject({ verdict: 'run', input: { offset: 4, items: [item(4), item(5)] } });
  await engine.commit(id, 0, succeeded(0, 4));
  await engine.commit(id, 1, failed(4, 2));
  expect((await s3.keys(`payloads/${id}/`)).map((key) => key.split('/').slice(2).join('/'))).toEqual([
    'i/0',
    'i/1',
    expect.stringMatching(/^o\/0-/),
    expect.stringMatching(/^o\/1-/),
  ]);
  for (const key of [batchKeys(engine.redis, id).input(0), batchKeys(engine.redis, id).output(0)]) {
    const kept = await engine.redis.hvalsBuffer(key);
    expect(kept).toHaveLength(2);
    // Above 64 bytes Redis would keep each in a place of its own.
    expect(Math.max(...kept.map(({ length }) => length))).toBeLessThan(64);
    expect(await engine.redis.object('ENCODING', key)).toBe('listpack');
  }
  expect((await resultsOf(engine, id)).map(({ index, status }) => [index, status])).toEqual([
    ...[0, 1, 2, 3].map((index) => [index, 'succeeded']),
    ...[4, 5].map((index) => [index, 'failed']),
  ]);
  let csv = '';
  for await (const part of await engine.batches.stream(tenant, id, 'csv', { formulas: 'keep' })) csv += part;
  expect(csv).toContain('text 5');
});

test('when two workers have evaluated a chunk, the outcomes that are read are those that were counted', async () => {
  const id = await engine.post(4);
  const [first, second] = await Promise.all([
    engine.commit(id, 0, succeeded(0, 4)),
    engine.commit(id, 0, failed(0, 4)),
  ]);
  const status = await engine.batches.status(tenant, id);
  expect([first, second].map(({ verdict }) => verdict).sort()).toEqual(['already', 'committed']);
  const results = await resultsOf(engine, id);
  expect(results.filter((result) => result.status === 'succeeded')).toHaveLength(status.items.succeeded);
  expect(results.filter((result) => result.status === 'failed')).toHaveLength(status.items.failed);
});

test('the failed items of a batch in the bucket can be retried', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, [...succeeded(0, 2), ...failed(2, 2)]);
  const child = await engine.batches.retry(tenant, id);
  expect(await engine.chunks.pick(engine.job(child.id, 0), 'compact')).toMatchObject({
    input: {
      items: [
        { ...item(2), retryOfIndex: 2 },
        { ...item(3), retryOfIndex: 3 },
      ],
    },
  });
});

test('batches in flight outlive the switch to a bucket, and the switch back while it is still named', async () => {
  const inRedis = engineWith({});
  const backInRedis = engineWith(storageOf('redis', inBucket));
  const before = await inRedis.batches.post({
    tenant,
    pinned: { profile: 'compact', model: 'm', revision: '1', precision: 'fp32', preprocess: 'p', longText: 'truncate' },
    options: {},
    items: sourceOf([[item(0), item(1), item(2), item(3), item(4)]]),
  });
  const pick = (by: BatchEngine, chunk: number) => by.chunks.pick(engine.job(before.id, chunk), 'compact');
  expect(await pick(engine, 0)).toMatchObject({ verdict: 'run', input: { items: [item(0), {}, {}, {}] } });
  await engine.commit(before.id, 0, succeeded(0, 4));
  expect(await pick(backInRedis, 1)).toMatchObject({ verdict: 'run', input: { items: [item(4)] } });
  await backInRedis.chunks.commit(engine.job(before.id, 1), { offset: 4, items: [item(4)] }, succeeded(4, 1));
  expect(await resultsOf(backInRedis, before.id)).toHaveLength(5);
  expect(await s3.keys(`payloads/${before.id}/`)).toHaveLength(1);
  await backInRedis.batches.remove(tenant, before.id);
  expect(await s3.keys(`payloads/${before.id}/`)).toEqual([]);
  await Promise.all([inRedis.close(), backInRedis.close()]);
});

test('a process without the bucket in its settings reports that to readers, and hands chunks back', async () => {
  const id = await engine.post(4);
  const unaware = engineWith({});
  const fault = { code: 'storage.unavailable', message: expect.stringContaining('PAYLOADS') };
  await expect(unaware.chunks.pick(engine.job(id, 0), 'compact')).rejects.toMatchObject(fault);
  expect(await engine.redis.smembers(batchKeys(engine.redis, id).waiting)).toEqual(['0']);
  expect(await engine.redis.smembers(batchKeys(engine.redis, id).active)).toEqual([]);
  await engine.commit(id, 0, succeeded(0, 4));
  await expect(resultsOf(unaware, id)).rejects.toMatchObject(fault);
  await unaware.close();
});

test('while the bucket is away nothing is taken and nothing is lost, and what is deleted then goes afterwards', async () => {
  const id = await engine.post(4);
  const deleted = await engine.post(4);
  await engine.commit(deleted, 0, succeeded(0, 4));
  await s3.kill();
  const fault = { code: 'storage.unavailable', retryAfter: expect.any(Number) };
  await expect(engine.post(4)).rejects.toMatchObject(fault);
  await expect(engine.chunks.pick(engine.job(id, 0), 'compact')).rejects.toMatchObject(fault);
  await expect(engine.commit(id, 0, succeeded(0, 4))).rejects.toMatchObject(fault);
  await expect(resultsOf(engine, deleted)).rejects.toMatchObject(fault);
  await engine.batches.remove(tenant, deleted);
  await expect(engine.batches.status(tenant, deleted)).rejects.toMatchObject({ code: 'batch.not_found' });

  await s3.start();
  expect(await s3.keys(`payloads/${deleted}/`)).toHaveLength(2);
  await engine.sweeper.sweep();
  expect(await s3.keys(`payloads/${deleted}/`)).toEqual([]);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), deleted)).toBeNull();
  expect(await engine.chunks.pick(engine.job(id, 0), 'compact')).toMatchObject({ verdict: 'run' });
  expect(await engine.commit(id, 0, succeeded(0, 4))).toMatchObject({ verdict: 'committed', state: 'completed' });
});

test('a batch whose items are gone from the bucket fails with the reason, and others are not affected', async () => {
  const id = await engine.post(140);
  const other = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  await s3.delete(`payloads/${id}/i/1`);
  const pick = () => engine.chunks.pick(engine.job(id, 1), 'compact');
  await expect(pick()).rejects.toSatisfy((error: ServiceError) => isLost(error));
  await engine.chunks.fail(engine.job(id, 1));
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    state: 'failed',
    reason: 'input_lost',
    items: { succeeded: 4, cancelled: 136, pending: 0 },
  });
  // Its other results can still be read.
  const results = await engine.batches.results(tenant, id, { limit: 1_000 });
  expect(results.results.filter(({ status }) => status === 'succeeded')).toHaveLength(4);
  expect(results.results.filter(({ status }) => status === 'cancelled')).toHaveLength(132);
  expect(await engine.chunks.pick(engine.job(other, 0), 'compact')).toMatchObject({ verdict: 'run' });
});

test('a batch whose items are gone from Redis fails with the reason', async () => {
  const inRedis = engineWith({});
  const { id } = await inRedis.batches.post({
    tenant,
    pinned: { profile: 'compact', model: 'm', revision: '1', precision: 'fp32', preprocess: 'p', longText: 'truncate' },
    options: {},
    items: sourceOf([[item(0), item(1), item(2), item(3), item(4)]]),
  });
  await engine.redis.hdel(batchKeys(engine.redis, id).input(0), '0');
  expect(await inRedis.chunks.pick(engine.job(id, 0), 'compact')).toEqual({ verdict: 'lost' });
  expect(await inRedis.batches.status(tenant, id)).toMatchObject({ state: 'failed', reason: 'input_lost' });
  await inRedis.close();
});

test('a bucket that is missing as a whole is a fault of the installation, and no batch ends by it', async () => {
  const objects = createObjectStore({ endpoint: s3.env['S3_ENDPOINT'] });
  const place: PayloadLocation = { bucket: 'no-such-bucket', key: 'payloads' };
  const written = createPayloadStore([place], { ...objects, put: async () => {} });
  const reference = await written.putInput('id', 0, Buffer.from('items'));
  await expect(written.get('id', reference)).rejects.toSatisfy((error: ServiceError) => !isLost(error));
  objects.close();
});

test('outcomes that come after a batch was deleted leave nothing in the bucket', async () => {
  const id = await engine.post(4);
  await engine.batches.remove(tenant, id);
  expect(await engine.commit(id, 0, succeeded(0, 4))).toEqual({ verdict: 'gone' });
  expect(await s3.keys(`payloads/${id}/`)).toEqual([]);
});

test('expired payloads are deleted from the bucket too, even more than a page', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  for (let at = 0; at < 1_200; at += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => s3.put(`payloads/${id}/o/0-late${at + n}`, 'x')));
  }
  await engine.redis.zadd(finishedBatches(engine.redis), Date.now() - 1, id);
  await engine.sweeper.sweep();
  expect(await s3.keys(`payloads/${id}/`)).toEqual([]);
  expect(await engine.redis.keys(`vls:{${id}}*`)).toEqual([]);
});
