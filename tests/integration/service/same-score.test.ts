import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, createClient } from '../../support/client.ts';
import { captions, type ImageHost, photoNames, startImageHost } from '../../support/image-host.ts';
import { tinyClipFolder } from '../../support/model-folders.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { startProcess, type TestProcess } from '../../support/service.ts';

/** The API and a worker as processes of their own, each with evaluators of its own, and micro-batches of eight. */
let redis: TestRedis;
let host: ImageHost;
let api: TestProcess;
let worker: TestProcess;
let client: Client;
let directory: string;
beforeAll(async () => {
  [redis, host] = await Promise.all([startRedis(), startImageHost()]);
  directory = mkdtempSync(join(tmpdir(), 'vls-same-'));
  const overlay = join(directory, 'models.json');
  writeFileSync(overlay, JSON.stringify({ models: { tiny: { source: { type: 'folder', path: tinyClipFolder } } } }));
  const env = {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    MODELS_FILE: overlay,
    MODEL: 'tiny',
    MICRO_BATCH: '8',
    EMBEDDING_CACHE_MB: '0',
    LOG_LEVEL: 'error',
  };
  [api, worker] = await Promise.all([startProcess('api', env), startProcess('worker', env)]);
  client = createClient(api.url);
});
afterAll(async () => {
  await Promise.all([api.stop(), worker.stop()]);
  await Promise.all([redis.remove(), host.close()]);
  rmSync(directory, { recursive: true });
});

interface Scores {
  results: { text: string; cosine: number }[];
}

const texts = Object.values(captions);
const pairs = photoNames.flatMap((photo) => texts.map((text) => ({ photo, text })));

async function batchCosines(order: readonly { photo: string; text: string }[]): Promise<Map<string, number>> {
  const items = order.map(({ photo, text }) => ({ image: host.url(photo), text, id: `${photo} ${text}` }));
  const { body } = await client.batch.post(items);
  expect(await client.batch.finished(body.id)).toMatchObject({ state: 'completed' });
  const results = await client.batch.results(body.id);
  return new Map(results.map((result) => [result.id ?? '', 'cosine' in result ? result.cosine : Number.NaN]));
}

test('a pair has the same score alone on the API and in any mix of a batch on a worker, to 1e-5', async () => {
  const alone = new Map<string, number>();
  for (const { photo, text } of pairs) {
    const { body } = await client.single({ image: host.url(photo), text });
    alone.set(`${photo} ${text}`, (body as { cosine: number }).cosine);
  }
  const mixes = [
    pairs,
    pairs.toReversed(),
    // One of them among many texts of other lengths.
    pairs.flatMap((pair, at) => [pair, { photo: pair.photo, text: `${'very '.repeat(at)}long` }]),
    pairs.slice(0, 1),
  ];
  for (const mix of mixes) {
    const cosines = await batchCosines(mix);
    for (const [name, cosine] of alone) {
      const inBatch = cosines.get(name);
      if (inBatch !== undefined) expect(Math.abs(inBatch - cosine), name).toBeLessThanOrEqual(1e-5);
    }
  }
  const { body } = await client.single<Scores>({ image: host.url(photoNames[0] ?? ''), text: texts });
  for (const { text, cosine } of body.results) {
    expect(Math.abs(cosine - (alone.get(`${photoNames[0]} ${text}`) ?? Number.NaN))).toBeLessThanOrEqual(1e-5);
  }
});
