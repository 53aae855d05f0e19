import { createBatchEngine } from '../../batches/engine.ts';
import { createEmbeddingCache } from '../../evaluation/embedding-cache.ts';
import { concurrencyOnCpu } from '../../evaluation/engine.ts';
import { createEvaluation } from '../../evaluation/evaluation.ts';
import { createImageLoader } from '../../images/loader.ts';
import { createEncoders, type Encoders } from '../../models/pool/encoders.ts';
import type { EncoderPool } from '../../models/pool/pool.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { runProcess } from '../../shared/lifecycle.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { connectRedis } from '../../shared/redis.ts';
import { createTraffic } from '../../traffic/traffic.ts';
import { startWorker } from '../../worker/worker.ts';
import { createStopwatch } from './stopwatch.ts';

/**
 * A worker as `worker/main.ts` composes it, with a stopwatch between its rooms. The message `clear` starts the watch
 * anew, `times` is answered with what it has.
 */
const watch = createStopwatch();
process.on('message', (message) => {
  if (message === 'clear') watch.clear();
  process.send?.(watch.times());
});

/** Each embedding in its parts, as the encoder reports them; what is left of it was waiting. */
function watched(pool: EncoderPool): EncoderPool {
  return {
    ...pool,
    async embed(input, options) {
      const start = performance.now();
      const embedded = await pool.embed(input, options);
      const kind = 'image' in input ? 'image' : 'text';
      const { decodeMs, inferenceMs } = embedded;
      watch.add(`${kind}: ${kind === 'image' ? 'decode' : 'tokenise'}`, decodeMs);
      watch.add(`${kind}: wait for encoder and micro-batch`, performance.now() - start - decodeMs - inferenceMs);
      watch.add(`${kind}: inference (of its micro-batch)`, inferenceMs);
      return embedded;
    },
  };
}

await runProcess('vls-worker', async (config, log) => {
  const registry = await loadRegistry(config);
  const { spec } = await registry.resolve();
  // Not measured: the encoder that does is replaced afterwards, and its profile would end with it.
  const pools = createEncoders({ ...config, microBatch: spec.microBatch.images }, log);
  const encoders: Encoders = { ...pools, for: (spec) => watched(pools.for(spec)) };
  const loader = createImageLoader(config);
  const images: typeof loader = {
    ...loader,
    load: (source, signal) => watch.time('image: fetch', () => loader.load(source, signal)),
  };
  const embeddings = createEmbeddingCache(encoders, config.cacheBytes);
  const evaluation = createEvaluation({ images, embeddings, concurrency: config.fetchConcurrency ?? concurrencyOnCpu });
  const redis = connectRedis(config.redisUrl ?? '', 'consumer', log);
  const engine = createBatchEngine({
    redis,
    profiles: () => [],
    retentionHours: config.retentionHours,
    storage: config,
    log,
  });
  const traffic = createTraffic({ registry, evaluation, redis, log });
  const { chunks } = engine;
  const worker = await startWorker({
    config,
    redis,
    engine: {
      ...engine,
      chunks: {
        ...chunks,
        pick: (...args) => watch.time('chunk: pick', () => chunks.pick(...args)),
        commit: (...args) => watch.time('chunk: commit', () => chunks.commit(...args)),
      },
    },
    traffic: { scorePairs: (...args) => watch.time('chunk: score', () => traffic.scorePairs(...args)) },
    registry,
    watchRegistry: (onChange) => registry.watch(log, onChange),
    metrics: createMetrics(),
    log,
  });
  await pools.for(spec).whenReady();
  return {
    url: '',
    async close() {
      await worker.close();
      pools.close();
      await loader.close();
      await engine.close();
      redis.disconnect();
    },
  };
});
