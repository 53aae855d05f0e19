import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { type Client, createClient } from '../../support/client.ts';
import { type ImageHost, photoNames, startImageHost } from '../../support/image-host.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { startProcess, type TestProcess } from '../../support/service.ts';

let redis: TestRedis;
let host: ImageHost;
let service: TestProcess;
let client: Client;

beforeAll(async () => {
  [redis, host] = await Promise.all([startRedis(), startImageHost()]);
  service = await startProcess('service', {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    EMBEDDING_CACHE_MB: '0',
    LOG_LEVEL: 'error',
  });
  client = createClient(service.url);
});
afterAll(async () => {
  await service.stop();
  await Promise.all([redis.remove(), host.close()]);
});

test('without Redis singles are answered and batches get 503; when it is back the running batch completes', async () => {
  const items = Array.from({ length: 400 }, (_, index) => ({
    image: host.url(`${photoNames[index % 6]}?${index}`),
    text: 'a photo',
  }));
  const { body } = await client.batch.post(items);
  await client.batch.until(body.id, ({ items: { succeeded } }) => succeeded > 40);

  await redis.kill();
  const single = await client.single({ image: host.url('coffee.jpg'), text: 'a cup of coffee' });
  expect(single.status).toBe(200);
  for (const answer of [
    await client.batch.post<Problem>(items.slice(0, 3)),
    await client.problem(`/v1/evaluation/batch/${body.id}`),
  ]) {
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'queue.unavailable' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await client.health()).body).toMatchObject({ status: 'degraded', redis: { status: 'down' } });
  expect((await client.call('/health/ready')).status).toBe(200);

  await redis.start();
  const status = await client.batch.finished(body.id);
  expect(status).toMatchObject({ state: 'completed', items: { succeeded: 400, pending: 0 } });
  const results = await client.batch.results(body.id);
  expect(new Set(results.map(({ index }) => index)).size).toBe(400);
  expect(results).toHaveLength(400);
});

test('a service that starts before its Redis scores singles, and takes batches once Redis is there', async () => {
  await redis.kill();
  const early = await startProcess('service', {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    LOG_LEVEL: 'error',
  });
  try {
    const another = createClient(early.url);
    expect((await another.single({ image: host.url('coffee.jpg'), text: 'coffee' })).status).toBe(200);
    await redis.start();
    let posted = await another.batch.post([{ image: host.url('coffee.jpg'), text: 'coffee' }]);
    while (posted.status === 503)
      posted = await another.batch.post([{ image: host.url('coffee.jpg'), text: 'coffee' }]);
    expect(await another.batch.finished(posted.body.id)).toMatchObject({ state: 'completed' });
  } finally {
    await early.stop();
  }
});
