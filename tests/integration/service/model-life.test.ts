import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { type ImageHost, startImageHost } from '../../../testing/images/host.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

let directory: string;
let overlay: string;
let redis: TestRedis;
let host: ImageHost;
let service: TestProcess;
let client: Client;

const tiny = (revision: string, more: object = {}) => ({
  source: { type: 'folder', path: tinyClipFolder },
  revision,
  memoryBytes: 200_000_000,
  ...more,
});
const write = (models: object) => writeFileSync(overlay, JSON.stringify({ models }));

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vls-models-'));
  overlay = join(directory, 'models.json');
  write({});
  [redis, host] = await Promise.all([startRedis(), startImageHost()]);
  service = await startProcess('service', {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    MODELS_FILE: overlay,
    // Room for one encoder of compact and two more of tiny models, so that a third model needs the place of another.
    MODEL_MEMORY_MB: '800',
    ENCODERS: '1',
    // An encoder that has measured it is replaced, and its model is `loading` meanwhile.
    MICRO_BATCH: '1',
    LOG_LEVEL: 'info',
  });
  client = createClient(service.url, {}, 'patient');
});
afterAll(async () => {
  await service.stop();
  await Promise.all([redis.remove(), host.close()]);
  rmSync(directory, { recursive: true });
});

const pair = (model: string) => ({ image: host.url('rocket.jpg'), text: 'a rocket on a launch pad', model });
const models = async () => (await client.call<{ models: ModelInfo[] }>('/v1/models')).body.models;
const stateOf = async (name: string) => (await models()).find(({ model }) => model === name)?.state;

test('a model that is added to the registry is served without a restart, alone and in batches', async () => {
  expect((await client.single(pair('first'))).body).toMatchObject({ code: 'model.unknown' });
  write({ first: tiny('1') });
  await until(async () => expect((await client.single(pair('first'))).status).toBe(200));
  const { body } = await client.batch.post(
    [pair('first')].map(({ image, text }) => ({ image, text })),
    {
      model: 'first',
    },
  );
  expect(await client.batch.finished(body.id)).toMatchObject({ state: 'completed', revision: '1' });
  expect(await stateOf('first')).toBe('loaded');
});

test('a batch keeps the revision it was posted with after the registry has changed', async () => {
  const items = Array.from({ length: 200 }, (_, at) => ({ image: host.url('rocket.jpg'), text: `text ${at}` }));
  const posted = (await client.batch.post(items, { model: 'first' })).body as BatchStatus;
  write({ first: tiny('2') });
  await until(async () => {
    const { body } = await client.single(pair('first'));
    expect((body as { receipt: { revision: string } }).receipt.revision).toBe('2');
  });
  const ended = await client.batch.finished(posted.id);
  expect(ended).toMatchObject({ state: 'completed', revision: '1', items: { succeeded: 200 } });
});

test('a batch ends although its model is taken out of the registry meanwhile', async () => {
  host.latencyMs = 1_000;
  try {
    // More than a worker has in hand at a time.
    const items = Array.from({ length: 1_200 }, (_, at) => ({ image: host.url(`rocket.jpg?${at}`), text: 'a rocket' }));
    const posted = (await client.batch.post(items, { model: 'first' })).body as BatchStatus;
    write({});
    await until(async () => {
      const { body } = await client.call<{ models: ModelInfo[] }>('/v1/models');
      expect(body.models.map(({ model }) => model)).not.toContain('first');
    });
    expect((await client.batch.status(posted.id)).body.state).toBe('running');
    host.latencyMs = 0;
    expect(await client.batch.finished(posted.id)).toMatchObject({ state: 'completed', items: { succeeded: 1_200 } });
  } finally {
    host.latencyMs = 0;
  }
});

test('the least used model makes room for another, and comes back when it is asked for', async () => {
  write({ first: tiny('2'), second: tiny('1'), third: tiny('1') });
  for (const model of ['second', 'third']) {
    await until(async () => expect((await client.single(pair(model))).status).toBe(200));
  }
  expect(await stateOf('third')).toBe('loaded');
  expect((await models()).filter(({ state }) => state === 'loaded').length).toBeLessThan(4);
  expect(service.output()).toContain('model unloaded');
  expect((await client.single({ ...pair('compact') })).status).toBe(200);
  expect(await stateOf('compact-1')).toBe('loaded');
});

test('a registry that has become wrong changes nothing and says why', async () => {
  writeFileSync(overlay, '{"models": {"first": {"source": {"type": "nowhere"}}}}');
  await until(async () => {
    const { body } = await client.call<{ fault: string }>('/v1/models');
    expect(body.fault).toContain('models.first.source');
  });
  expect((await client.single(pair('third'))).status).toBe(200);
});

test('a model that does not reproduce its golden values is refused, and others keep working', async () => {
  const folder = join(directory, 'wrong');
  cpSync(tinyClipFolder, folder, { recursive: true });
  cpSync(join(tinyClipFolder, '..', 'images', 'rocket.jpg'), join(folder, 'rocket.jpg'));
  writeFileSync(
    join(folder, 'golden.json'),
    JSON.stringify({ source: 'nobody', pairs: [{ image: 'rocket.jpg', text: 'a rocket', cosine: 0.99 }] }),
  );
  write({ wrong: { source: { type: 'folder', path: folder }, memoryBytes: 200_000_000 } });
  await until(async () => {
    const { status, body } = await client.single(pair('wrong'));
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { code: 'model.unavailable', detail: expect.stringContaining('does not reproduce its golden values') },
    });
  });
  expect((await client.single(pair('compact'))).status).toBe(200);

  // Without the pairs there is nothing that it must reproduce.
  rmSync(join(folder, 'golden.json'));
  await until(async () => expect((await client.single(pair('wrong'))).status).toBe(200));
});
