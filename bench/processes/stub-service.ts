import { openKeyRing } from '../../api/access/key-ring.ts';
import { createApp } from '../../api/app.ts';
import { createBatchEngine } from '../../batches/engine.ts';
import type { Evaluation, Outcome } from '../../evaluation/evaluation.ts';
import type { Evaluators } from '../../models/pool/evaluators.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { listen } from '../../shared/http-server.ts';
import { type Running, runProcess } from '../../shared/lifecycle.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { connectRedis } from '../../shared/redis.ts';
import { version } from '../../shared/version.ts';
import { startWorker } from '../../worker/worker.ts';

/**
 * The API or the worker with a stub in place of fetch, decode and inference: what is left is the control plane.
 * `node bench/processes/stub-service.ts api|worker`
 */
const role = process.argv[2];

/** A score that only depends on the pair, so that a run can be compared with another. */
const evaluation: Evaluation = {
  score: () => Promise.reject(new Error('The stub scores batches alone')),
  scoreImages: () => Promise.reject(new Error('The stub scores batches alone')),
  embed: () => Promise.reject(new Error('The stub scores batches alone')),
  evaluate: async (_spec, pairs) =>
    pairs.map((pair): Outcome => {
      if ('error' in pair) return { status: 'failed', error: pair.error };
      const cosine = ((pair.text.length * 37) % 1000) / 2000;
      return { status: 'succeeded', cosine, score: 100 * cosine };
    }),
};

const evaluators: Evaluators = {
  for: () => {
    throw new Error('The stub has no evaluators');
  },
  states: () => [],
  close: () => {},
};

await runProcess(`vls-stub-${role}`, async (config, log): Promise<Running> => {
  const registry = await loadRegistry(config);
  const redis = connectRedis(config.redisUrl ?? '', role === 'api' ? 'producer' : 'consumer', log);
  const { retentionHours } = config;
  const profiles = () => (role === 'api' ? registry.profiles : []);
  const engine = createBatchEngine({ redis, profiles, retentionHours, log });
  const metrics = createMetrics();
  const close = async () => {
    await engine.close();
    redis.disconnect();
  };
  if (role === 'worker') {
    const worker = await startWorker({ config, redis, engine, evaluation, registry, metrics, log });
    return { url: '', close: async () => worker.close().then(close) };
  }
  const app = createApp({
    ...engine,
    registry,
    evaluation,
    evaluators,
    redis,
    keys: await openKeyRing(config, log),
    metrics,
    log,
    config,
    version,
    isDraining: () => false,
  });
  const server = await listen(app, config.host, config.port, 'PORT');
  return { url: server.url, close: async () => server.close().then(close) };
});
