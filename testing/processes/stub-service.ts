import { setTimeout as delay } from 'node:timers/promises';
import { startApi } from '../../api/server.ts';
import { type BatchEngine, createBatchEngine } from '../../batches/engine.ts';
import type { Evaluation } from '../../evaluation/evaluation.ts';
import type { Outcome, Pair } from '../../evaluation/outcome.ts';
import type { Encoders } from '../../models/pool/encoders.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { type Running, runProcess } from '../../shared/lifecycle.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { connectRedis } from '../../shared/redis.ts';
import type { Reader } from '../../shared/telemetry/readings.ts';
import { createTraffic } from '../../traffic/traffic.ts';
import { startWorker } from '../../worker/worker.ts';

/**
 * Runs the API or a worker with a stub for download, decoding and inference: `node testing/processes/stub-service.ts
 * api|worker [ITEMS_PER_SECOND [START_SECONDS]]`. Default: no delays.
 */
const [role, itemsPerSecond = 'Infinity', startSeconds = '0'] = process.argv.slice(2);

/** The simulated time in ms to download and decode the images of a chunk. */
const fetchMs = 50;

/** Simulates a device that evaluates `speed` items a second, one chunk at a time. */
function createDevice(speed: number): (items: number) => Promise<void> {
  let freeAt = 0;
  return async (items) => {
    if (speed === Number.POSITIVE_INFINITY) return;
    await delay(fetchMs);
    freeAt = Math.max(freeAt, performance.now()) + (1000 * items) / speed;
    await delay(freeAt - performance.now());
  };
}
const device = createDevice(Number(itemsPerSecond));

/** The score depends only on the pair, so that several runs can be compared. */
const evaluation: Evaluation = {
  scoreTexts: () => Promise.reject(new Error('The stub only scores batches')),
  scoreImages: () => Promise.reject(new Error('The stub only scores batches')),
  embed: () => Promise.reject(new Error('The stub only scores batches')),
  answerLines: () => Promise.reject(new Error('The stub only scores batches')),
  scorePairs: async (_models, pairs) => {
    await device(pairs.length);
    return { answers: pairs.map((pair) => ({ outcome: outcomeOf(pair), runs: [] })), compared: [] };
  },
};

function outcomeOf(pair: Pair): Outcome {
  if ('error' in pair) return { status: 'failed', error: pair.error };
  const cosine = ((pair.text.length * 37) % 1000) / 2000;
  return { status: 'succeeded', cosine, score: 100 * cosine };
}

const encoders: Encoders = {
  for: () => {
    throw new Error('The stub has no encoders');
  },
  states: () => [],
  follow: async () => {},
  close: () => {},
};

await runProcess(`vls-stub-${role}`, async (config, log): Promise<Running> => {
  const registry = await loadRegistry(config);
  const created = createMetrics();
  // Without `freshMs`, each scrape reads current values: an accelerated simulation scrapes more than once in five
  // seconds.
  const metrics = { ...created, onScrape: ({ read }: Reader) => created.onScrape({ read }) };
  const redis = connectRedis(config.redisUrl ?? '', role === 'api' ? 'producer' : 'consumer', log);
  const traffic = createTraffic({ registry, evaluation, redis, metrics, log });
  const parts = { config, log, metrics, redis, registry, evaluation, traffic };
  if (role === 'api') {
    const api = await startApi({ ...parts, encoders });
    return { url: api.url, close: () => end(api, api.engine) };
  }
  const { retentionHours } = config;
  await delay(1000 * Number(startSeconds));
  const engine = createBatchEngine({ redis, profiles: () => [], retentionHours, storage: config, log });
  const worker = await startWorker({ ...parts, engine, watchRegistry: (onChange) => registry.watch(log, onChange) });
  return { url: '', close: () => end(worker, engine) };

  async function end(running: { close(): Promise<void> }, engineOfIt: BatchEngine): Promise<void> {
    await running.close();
    await engineOfIt.close();
    redis.disconnect();
  }
});
