import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { freePort } from '../../../testing/free-port.ts';
import { type ImageHost, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

let redis: TestRedis;
let host: ImageHost;
let api: TestProcess;
let worker: TestProcess;
let client: Client;

beforeAll(async () => {
  [redis, host] = await Promise.all([startRedis(), startImageHost()]);
  const env = { REDIS_URL: redis.url, IMAGE_HOSTS_ALLOW: host.authority, ENCODERS: '1', LOG_LEVEL: 'warn' };
  [api, worker] = await Promise.all([startProcess('api', env), startProcess('worker', env)]);
  client = createClient(api.url);
  await until(async () => expect((await client.call('/health/ready')).status).toBe(200));
});
afterAll(async () => {
  await Promise.all([api.stop(), worker.stop()]);
  await Promise.all([redis.remove(), host.close()]);
});

const single = () => client.single({ image: host.url('coffee.jpg'), text: 'a cup of coffee' });
const items = () => [{ image: host.url('coffee.jpg'), text: 'a cup of coffee' }];
const workerReady = async () => {
  const response = await fetch(`${worker.url}/health/ready`);
  return `${response.status} ${await response.text()}`;
};

test('over a Redis that became a read-only replica singles are answered, and health, readiness, metrics and log name it', async () => {
  const admin = redis.connect();
  await admin.replicaof('127.0.0.1', await freePort());
  await until(async () => expect(await workerReady()).toMatch(/^503 not ready: Redis is a read-only replica/));
  // The API asks Redis at other times than the worker.
  await until(async () => {
    const { body: health } = await client.health();
    expect(health).toMatchObject({
      status: 'degraded',
      redis: { status: 'refusing', fault: 'read_only', server: 'Redis' },
    });
    expect(health.redis.detail).toMatch(/read-only replica/);
  });
  expect((await client.call('/health/ready')).body).toMatch(
    /^ready\nRedis is a read-only replica.*: batches are refused\n$/,
  );
  expect((await client.call('/metrics')).body).toMatch(/^vls_redis_fault\{fault="read_only"\} 1$/m);
  for (let round = 0; round < 10; round++) expect((await single()).status).toBe(200);
  const refused = await client.batch.post<Problem>(items());
  expect(refused).toMatchObject({ status: 503, body: { code: 'queue.unavailable' } });
  expect(refused.body.detail).toMatch(/read-only replica/);

  await admin.replicaof('NO', 'ONE');
  admin.disconnect();
  await until(async () => expect(await workerReady()).toBe('200 ready\n'));
  const posted = await client.batch.post(items());
  expect(posted.status).toBe(202);
  expect(await client.batch.finished(posted.body.id)).toMatchObject({ state: 'completed' });
  for (const { output } of [api, worker]) {
    expect(output()).not.toMatch(/MaxListenersExceededWarning/);
    expect(output().match(/Redis is a read-only replica; batches are paused/g)).toHaveLength(1);
  }
});
