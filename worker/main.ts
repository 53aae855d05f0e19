import { createQueues } from '../batches/queues.ts';
import { createScoring } from '../evaluation/scoring.ts';
import { listen } from '../shared/http-server.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis } from '../shared/redis.ts';
import { createProbes } from './probes.ts';
import { startWorker } from './worker.ts';

/** A worker as a process of its own. */
await runProcess('vls-worker', async (config, log) => {
  const scoring = await createScoring(config, log);
  const redis = connectRedis(config.redisUrl ?? 'redis://127.0.0.1:6379', 'consumer', log);
  const queues = createQueues(redis, [], log);
  const metrics = createMetrics();
  let draining = false;
  const probes = createProbes({ metrics, redis, evaluators: scoring.evaluators, isDraining: () => draining });
  const server = await listen(probes, config.metricsPort, config.host);
  const worker = await startWorker({ config, redis, queues, metrics, log, ...scoring });
  return {
    url: server.url,
    async close() {
      draining = true;
      await worker.close();
      await scoring.close();
      await queues.close();
      redis.disconnect();
      await server.close();
    },
  };
});
