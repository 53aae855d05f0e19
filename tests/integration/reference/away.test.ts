import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchKeys, queueName, taskQueues } from '../../../shared/redis/keys.ts';
import { until } from '../../../testing/until.ts';
import { keyOf, lines, resultsIn, useReferenceService } from '../../support/reference.ts';

const service = useReferenceService({
  WEBHOOK_SECRET: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
  WEBHOOK_HOSTS_ALLOW: '127.0.0.1',
});
let redis: Redis;
beforeAll(async () => {
  redis = new Redis(service.redis.url);
  await service.startWorker();
});
afterAll(() => redis.disconnect());

/**
 * Items of 108 chunks: more than half of the work is left when the bucket goes away. interrupted.test.ts has batches of
 * more than one hash of payloads.
 */
const count = 5_000;
/** Items whose files take long enough to write that the bucket can go away meanwhile. */
const longFiles = 8_000;
/** Waits for what lasts for fractions of a second. */
const when = (holds: () => Promise<boolean>) => until(holds, { everyMs: 10 });
const handedBack = async () => (await redis.zcard(`{vls}:${queueName('compact')}:delayed`)) > 0;
const taskDelayed = (task: keyof typeof taskQueues) => async () =>
  (await redis.zcard(`{vls}:${taskQueues[task]}:delayed`)) > 0;

async function expectComplete(id: string, count: number): Promise<void> {
  const ended = await service.written(id);
  expect(ended).toMatchObject({
    state: 'completed',
    items: { total: count, succeeded: count },
    files: { error: null },
  });
  const results = await resultsIn(service.s3, keyOf(ended.files?.results ?? ''));
  expect(results.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index));
}

test('while the bucket is away, posts are answered with 503 and a time to come back', async () => {
  const { s3, post, client } = service;
  await s3.kill();
  const byReference = await post({ input: s3.url('open/pairs.ndjson') });
  const upload = await client.call<{ code: string }>('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines(10),
  });
  for (const { status, body, headers } of [byReference, upload]) {
    expect([status, body.code]).toEqual([503, 'storage.unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  await s3.start();
});

test('a bucket that goes away while the object is read is waited for', async () => {
  const { s3, post } = service;
  await s3.put('open/intake.ndjson', lines(count));
  const { body } = await post({ input: s3.url('open/intake.ndjson') });
  await when(async () => (await redis.hlen(batchKeys(redis, body.id).input(0))) >= 64);
  await s3.kill();
  await when(taskDelayed('intake'));
  expect(await redis.hget(batchKeys(redis, body.id).batch, 'state')).toBe('accepting');
  await s3.start();
  await expectComplete(body.id, count);
});

test('a bucket that goes away while items are evaluated fails none of them', async () => {
  const { s3, post, client } = service;
  await s3.put('open/evaluation.ndjson', lines(count));
  const { body } = await post({ input: s3.url('open/evaluation.ndjson') });
  await when(async () => Number(await redis.hget(batchKeys(redis, body.id).batch, 'succeeded')) > 500);
  await s3.kill();
  await when(handedBack);
  const results = await client.problem(`/v1/evaluation/batch/${body.id}/results`);
  expect([results.status, results.body.code]).toEqual([503, 'storage.unavailable']);
  expect((await client.batch.status(body.id)).body).toMatchObject({ state: 'running', items: { failed: 0 } });
  await s3.start();
  await expectComplete(body.id, count);
});

test('a bucket that goes away before the files are written is waited for, and the webhook with them', async () => {
  const { s3, post, client } = service;
  let called = 0;
  const receiver: Server = createServer((request, response) => {
    called++;
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const webhook = { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` };

  await s3.put('open/files.ndjson', lines(longFiles));
  const { body } = await post({ input: s3.url('open/files.ndjson'), webhook });
  await when(async () => (await redis.llen(`{vls}:${taskQueues.files}:active`)) === 1);
  await s3.kill();
  await when(taskDelayed('files'));
  expect((await client.batch.status(body.id)).body).toMatchObject({
    state: 'completed',
    files: { state: 'pending' },
    webhook: { state: 'pending', attempts: 0 },
  });
  expect(called).toBe(0);
  await s3.start();
  await expectComplete(body.id, longFiles);
  await client.batch.until(body.id, (status) => status.webhook?.state === 'delivered');
  expect(called).toBe(1);
  receiver.close();
});
