import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEmbeddingCache } from '../../../evaluation/embedding-cache.ts';
import { createEvaluation } from '../../../evaluation/evaluation.ts';
import { createImageLoader } from '../../../images/loader.ts';
import { forkEncoder } from '../../../models/encoder/process.ts';
import { recipeOf } from '../../../models/model.ts';
import { createPool, type EncoderPool } from '../../../models/pool/pool.ts';
import { loadRegistry } from '../../../models/registry/registry.ts';
import { readConfig } from '../../../shared/config.ts';
import { createLogger } from '../../../shared/log.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { createTraffic } from '../../../traffic/traffic.ts';
import { createChunkProcessor } from '../../../worker/chunk-processor.ts';
import { createStoppedBatches } from '../../../worker/stopped-batches.ts';
import { type Engine, sourceOf, startEngine, tenant } from '../../support/engine.ts';

const entry = fileURLToPath(new URL('../../support/crashing-encoder.ts', import.meta.url));
const config = readConfig({});
let engine: Engine;
let pool: EncoderPool;
let evaluate: (items: object[]) => Promise<string>;

beforeAll(async () => {
  engine = await startEngine();
  const log = await createLogger({ name: 'test', level: 'silent' });
  const registry = await loadRegistry(config);
  const { profile, spec } = await registry.resolve('compact');
  pool = createPool({
    spec,
    encoders: 2,
    threads: 1,
    maxPixels: 1e7,
    log,
    taskTimeoutMs: 3_000,
    launch: (events) => forkEncoder(events, entry),
  });
  await pool.whenReady();
  const evaluation = createEvaluation({
    images: createImageLoader(config),
    embeddings: createEmbeddingCache({ for: () => pool }, 0),
    concurrency: 64,
  });
  const process = createChunkProcessor({
    storedImages: engine.storedImages,
    chunks: engine.chunks,
    speed: engine.speed,
    traffic: createTraffic({ registry, evaluation, redis: engine.redis, log }),
    metrics: createMetrics(),
    log,
    stopping: new AbortController().signal,
    stoppedBatches: createStoppedBatches(engine.chunks.stopped),
    onHealth: () => {},
  });
  evaluate = async (items) => {
    const pinned = { profile, longText: 'truncate' as const, ...recipeOf(spec) };
    const { id } = await engine.batches.post({
      tenant,
      pinned,
      options: {},
      items: sourceOf([items as never[]]),
    });
    for (let chunk = 0; chunk * 4 < items.length; chunk++)
      await process({ data: engine.job(id, chunk), starts: 0, waitedMs: 0 }, profile);
    return id;
  };
});
afterAll(async () => {
  pool.close();
  await engine.close();
});

const photo = (name: string) => ({ image: readPhoto(name).toString('base64'), text: 'a photo' });
const bytes = (text: string) => ({ image: { base64: Buffer.from(text).toString('base64') }, text: 'a photo' });

test('an item that kills its encoder is recorded as poison, and the rest of its chunk completes', async () => {
  const id = await evaluate([photo('coffee.jpg'), bytes('crash now'), photo('rocket.jpg'), photo('chelsea.jpg')]);
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    state: 'completed_with_errors',
    items: { succeeded: 3, failed: 1 },
    failures: { 'internal.poison': 1 },
  });
  const { results } = await engine.batches.results(tenant, id, { limit: 10, status: 'failed' });
  expect(results.map(({ index }) => index)).toEqual([1]);
});

test('an item that hangs its encoder is cut by its deadline, and the rest of its chunk completes', async () => {
  const id = await evaluate([photo('coffee.jpg'), bytes('hang! for ever'), photo('rocket.jpg'), photo('alpine.jpg')]);
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    items: { succeeded: 3, failed: 1 },
    failures: { 'internal.poison': 1 },
  });
});
