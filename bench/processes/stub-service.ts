import { startApi } from '../../api/server.ts';
import { type BatchEngine, createBatchEngine } from '../../batches/engine.ts';
import type { Evaluation, Outcome } from '../../evaluation/evaluation.ts';
import type { Evaluators } from '../../models/pool/evaluators.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { type Running, runProcess } from '../../shared/lifecycle.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { connectRedis } from '../../shared/redis.ts';
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
  const metrics = createMetrics();
  const redis = connectRedis(config.redisUrl ?? '', role === 'api' ? 'producer' : 'consumer', log);
  const parts = { config, log, metrics, redis, registry, evaluation };
  if (role === 'api') {
    const api = await startApi({ ...parts, evaluators });
    return { url: api.url, close: () => end(api, api.engine) };
  }
  const { retentionHours } = config;
  const engine = createBatchEngine({ redis, profiles: () => [], retentionHours, storage: config, log });
  const worker = await startWorker({ ...parts, engine });
  return { url: '', close: () => end(worker, engine) };

  async function end(running: { close(): Promise<void> }, engineOfIt: BatchEngine): Promise<void> {
    await running.close();
    await engineOfIt.close();
    redis.disconnect();
  }
});
