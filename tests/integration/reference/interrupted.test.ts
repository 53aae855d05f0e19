import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchKeys, finishedBatches, taskQueues } from '../../../shared/redis/keys.ts';
import { until } from '../../../testing/until.ts';
import { keyOf, line, lines, resultsIn, useReferenceService } from '../../support/reference.ts';

const service = useReferenceService();
let redis: Redis;
beforeAll(() => {
  redis = new Redis(service.redis.url);
});
afterAll(() => redis.disconnect());

/**
 * Items of 108 chunks. A worker is interrupted when 64 chunks, which have 2,176 items, are stored or 500 items are scored,
 * so more than half of the work is left.
 */
const count = 5_000;
/** Items whose files take long enough to write that the worker can be killed meanwhile. */
const longFiles = 8_000;
/** Items of 280 chunks. One hash of payloads holds 256. */
const twoHashes = 16_000;

/** Waits for what lasts for fractions of a second. */
const when = (holds: () => Promise<boolean>) => until(holds, { everyMs: 10 });
const field = (id: string, name: string) => redis.hget(batchKeys(redis, id).batch, name);

async function expectComplete(id: string, count: number): Promise<void> {
  const ended = await service.written(id);
  expect(ended).toMatchObject({
    state: 'completed',
    items: { total: count, succeeded: count, failed: 0, cancelled: 0 },
    files: { state: 'written' },
  });
  const results = await resultsIn(service.s3, keyOf(ended.files?.results ?? ''));
  expect(results.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index));
  // Nothing is left counted for the tenant.
  expect(await redis.hgetall('{vls}:queued:items')).toEqual({});
  expect(await redis.hgetall('{vls}:queued:sums')).not.toMatchObject({ default: expect.stringMatching(/[^0]/) });
}

test('a worker killed while it reads the object: another reads it from the first line, and nothing is there twice', async () => {
  await service.s3.put('open/intake.ndjson', lines(twoHashes));
  const worker = await service.startWorker();
  const { body } = await service.post({ input: service.s3.url('open/intake.ndjson') });
  await when(async () => (await redis.hlen(batchKeys(redis, body.id).input(0))) >= 64);
  await worker.kill();
  expect(await field(body.id, 'state')).toBe('accepting');
  const other = await service.startWorker();
  await expectComplete(body.id, twoHashes);
  await other.stop();
});

test('a worker killed while it evaluates: its chunks come back, and the counts agree with the files', async () => {
  await service.s3.put('open/evaluation.ndjson', lines(count));
  const worker = await service.startWorker();
  const { body } = await service.post({ input: service.s3.url('open/evaluation.ndjson') });
  await when(async () => Number(await field(body.id, 'succeeded')) > 500);
  await worker.kill();
  expect(await field(body.id, 'state')).toBe('running');
  const other = await service.startWorker();
  await expectComplete(body.id, count);
  await other.stop();
});

test('a worker killed while it writes the files: another writes them all', async () => {
  await service.s3.put('open/files.ndjson', lines(longFiles));
  const worker = await service.startWorker();
  const { body } = await service.post({ input: service.s3.url('open/files.ndjson') });
  await when(async () => (await redis.llen(`{vls}:${taskQueues.files}:active`)) === 1);
  await worker.kill();
  expect(await field(body.id, 'filesState')).toBe('pending');
  const other = await service.startWorker();
  await expectComplete(body.id, longFiles);
  await other.stop();
});

test('a stopping worker hands back the task that reads an object', async () => {
  await service.s3.put('open/stop.ndjson', lines(count));
  const worker = await service.startWorker();
  const { body } = await service.post({ input: service.s3.url('open/stop.ndjson') });
  await when(async () => (await redis.hlen(batchKeys(redis, body.id).input(0))) >= 64);
  await worker.stop();
  const other = await service.startWorker();
  await expectComplete(body.id, count);
  await other.stop();
});

test('an object that is changed between the post and its reading ends the batch', async () => {
  const { s3, post, written } = service;
  await s3.put('open/changed.ndjson', lines(10));
  const { body } = await post({ input: s3.url('open/changed.ndjson') });
  await s3.put('open/changed.ndjson', `${lines(10)}${line(10)}\n`);
  const worker = await service.startWorker();
  expect(await written(body.id)).toMatchObject({
    state: 'failed',
    reason: 'input',
    inputError: { code: 'storage.changed' },
    items: { total: 0 },
  });
  await worker.stop();
});

test('a batch that is cancelled before it is read stays cancelled, and nothing of it is kept', async () => {
  const { s3, post, written, client } = service;
  await s3.put('open/cancelled.ndjson', lines(100));
  const { body } = await post({ input: s3.url('open/cancelled.ndjson') });
  const cancelled = await client.post<{ state: string; items: object }>(`/v1/evaluation/batch/${body.id}/cancel`, {});
  expect(cancelled.body).toMatchObject({ state: 'cancelled', items: { total: 0, cancelled: 0, pending: 0 } });
  const worker = await service.startWorker();
  const ended = await written(body.id);
  expect(ended).toMatchObject({ state: 'cancelled', files: { state: 'written' } });
  expect((await s3.get(keyOf(ended.files?.results ?? ''))).length).toBe(0);
  expect(await redis.exists(batchKeys(redis, body.id).input(0))).toBe(0);
  await worker.stop();
});

test('a batch that is cancelled while it is read stops being read, and its payloads go', async () => {
  const { s3, post, written, client } = service;
  // Items of 655 chunks, of which 64 are stored when the batch is cancelled: the rest takes seconds to read.
  await s3.put('open/midway.ndjson', lines(40_000));
  const worker = await service.startWorker();
  const { body } = await post({ input: s3.url('open/midway.ndjson') });
  await when(async () => (await redis.hlen(batchKeys(redis, body.id).input(0))) >= 64);
  await client.post(`/v1/evaluation/batch/${body.id}/cancel`, {});
  expect(await written(body.id)).toMatchObject({ state: 'cancelled', items: { total: 0 } });
  await when(async () => (await redis.llen(`{vls}:${taskQueues.intake}:active`)) === 0);
  expect(await redis.exists(batchKeys(redis, body.id).input(0))).toBe(0);
  expect(await s3.keys(`payloads/${body.id}/`)).toEqual([]);
  await worker.stop();
});

test('a batch that is deleted while it is read leaves nothing in Redis and nothing in the bucket but the object', async () => {
  const { s3, post, client } = service;
  const worker = await service.startWorker();
  const { body } = await post({ input: s3.url('open/midway.ndjson') });
  await when(async () => (await redis.hlen(batchKeys(redis, body.id).input(0))) >= 64);
  await client.call(`/v1/evaluation/batch/${body.id}`, { method: 'DELETE' });
  await when(async () => (await redis.llen(`{vls}:${taskQueues.intake}:active`)) === 0);
  expect(await redis.keys(`vls:{${body.id}}*`)).toEqual([]);
  // The sweeper removes what did not fit into one call.
  await when(async () => (await redis.zscore(finishedBatches(redis), body.id)) === null);
  expect(await redis.hgetall('{vls}:queued:items')).toEqual({});
  expect(await s3.keys(`payloads/${body.id}/`)).toEqual([]);
  await worker.stop();
});

test('a batch that is deleted while it is read leaves nothing either when its worker is killed at that moment', async () => {
  const { s3, post, client } = service;
  await s3.put('open/midway.ndjson', lines(40_000));
  const worker = await service.startWorker();
  const { body } = await post({ input: s3.url('open/midway.ndjson') });
  await when(async () => (await redis.hlen(batchKeys(redis, body.id).input(0))) >= 64);
  await client.call(`/v1/evaluation/batch/${body.id}`, { method: 'DELETE' });
  // Scripts have run since: the worker has written once more, or has seen the deletion.
  const scriptsRun = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await scriptsRun();
  await until(async () => (await scriptsRun()) > before, { everyMs: 5 });
  await worker.kill();
  const other = await service.startWorker();
  const waits = async (list: 'wait' | 'active') => await redis.llen(`{vls}:${taskQueues.intake}:${list}`);
  await when(async () => (await waits('wait')) + (await waits('active')) === 0);
  await when(async () => (await redis.zscore(finishedBatches(redis), body.id)) === null);
  expect(await redis.keys(`vls:{${body.id}}*`)).toEqual([]);
  expect(await redis.hgetall('{vls}:queued:items')).toEqual({});
  expect(await s3.keys(`payloads/${body.id}/`)).toEqual([]);
  await other.stop();
});
