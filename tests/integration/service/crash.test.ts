import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { captions, type ImageHost, photoNames, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { childrenOf, killFound } from '../../../testing/processes/tree.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';
import { dot, readNpy } from '../../support/npy.ts';

let redis: TestRedis;
let host: ImageHost;
const started: TestProcess[] = [];

beforeAll(async () => {
  [redis, host] = await Promise.all([startRedis(), startImageHost()]);
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop()));
});
afterAll(async () => {
  await Promise.all([redis.remove(), host.close()]);
});

async function start(role: 'service' | 'api' | 'worker'): Promise<TestProcess> {
  // Without the cache the photos are evaluated again and again, so that there is a middle to be killed in.
  const process = await startProcess(role, {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    EMBEDDING_CACHE_MB: '0',
    LOG_LEVEL: 'error',
  });
  started.push(process);
  return process;
}

const texts = Object.values(captions);
const itemsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    image: host.url(`${photoNames[index % 6]}?${index}`),
    text: texts[Math.floor(index / 6) % 6],
  }));

async function expectEachOnce(client: Client, id: string, count: number): Promise<void> {
  const status = await client.batch.finished(id);
  expect(status).toMatchObject({
    state: 'completed',
    items: { total: count, succeeded: count, failed: 0, pending: 0 },
  });
  const results: ItemResult[] = await client.batch.results(id);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
}

test('an encoder that is killed in the middle of a batch is replaced, and every item is counted once', async () => {
  const service = await start('service');
  const client = createClient(service.url);
  const { body } = await client.batch.post(itemsOf(100));
  for (const share of [10, 30, 50]) {
    await client.batch.until(body.id, ({ items }) => items.succeeded >= share);
    // One that was killed before is being replaced.
    killFound(await until(() => childrenOf(service.pid, 'vls-encoder')[0] ?? false));
  }
  await expectEachOnce(client, body.id, 100);
  // The last encoder may be replaced after the end of the batch.
  await until(async () => expect((await client.health()).body.models[0]?.encoders.restarts).toBe(3));
});

test('a worker that is killed in the middle of a batch is made good by another, and every item is counted once', async () => {
  const [api, worker] = await Promise.all([start('api'), start('worker')]);
  const client = createClient(api.url);
  // The batch stays open until the worker is killed.
  const [last] = photoNames;
  const { body } = await client.batch.post([...itemsOf(59), { image: host.url(`held/${last}`), text: 'the last' }]);
  await client.batch.until(body.id, ({ items }) => items.succeeded >= 20);
  await worker.kill();
  expect((await client.batch.status(body.id)).body).toMatchObject({ state: 'running' });
  host.release();
  await start('worker');
  await expectEachOnce(client, body.id, 60);
});

test('after a worker is killed in the middle of a batch, its stored embeddings have one row for each item', async () => {
  const [api, worker] = await Promise.all([start('api'), start('worker')]);
  const client = createClient(api.url);
  const [last] = photoNames;
  const items = [...itemsOf(39), { image: host.url(`held/${last}?after`), text: 'the last' }];
  const posted = client.batch.post(items, { embeddings: 'both', embeddingPrecision: 'float32' });
  const { id } = (await posted).body;
  await client.batch.until(id, (status) => status.items.succeeded >= 10);
  await worker.kill();
  host.release();
  await start('worker');
  await expectEachOnce(client, id, 40);
  const read = async (kind: string) => {
    const response = await fetch(`${api.url}/evaluator/v1/evaluation/batch/${id}/embeddings?kind=${kind}`);
    return readNpy(Buffer.from(await response.arrayBuffer()));
  };
  const [image, text] = [await read('image'), await read('text')];
  expect([image.rows, text.rows]).toEqual([40, 40]);
  for (const result of await client.batch.results(id)) {
    const cosine = dot(image.row(result.index), text.row(result.index));
    expect(Math.abs(cosine - (result.status === 'succeeded' ? result.cosine : 2))).toBeLessThan(1e-6);
  }
});

test('an API that is killed loses nothing of what it has acknowledged', async () => {
  const [api] = await Promise.all([start('api'), start('worker')]);
  const { body } = await createClient(api.url).batch.post(itemsOf(40));
  await api.kill();
  const another = await start('api');
  await expectEachOnce(createClient(another.url), body.id, 40);
});
