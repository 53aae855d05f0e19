import { createBatchEngine } from '../batches/engine.ts';
import { createEvaluationEngine } from '../evaluation/engine.ts';
import { listen } from '../shared/http-server.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { probeKey } from '../shared/redis/keys.ts';
import { watchRedis } from '../shared/redis/watch.ts';
import { connectRedis } from '../shared/redis.ts';
import { readRedisState } from '../shared/telemetry/redis-readings.ts';
import { createTraffic } from '../traffic/traffic.ts';
import { createProbes } from './probes.ts';
import { startWorker } from './worker.ts';

await runProcess('vls-worker', async (config, log) => {
  const metrics = createMetrics();
  const evaluationEngine = await createEvaluationEngine(config, log, metrics, config.workerProfiles);
  const redis = connectRedis(config.redisUrl ?? 'redis://127.0.0.1:6379', 'consumer', log, config);
  const { retentionHours } = config;
  const engine = createBatchEngine({
    redis,
    profiles: () => [],
    retentionHours,
    storage: config,
    onPosted: metrics.posted,
    log,
  });
  const redisWatch = watchRedis(redis, probeKey(redis), log);
  metrics.onScrape({ read: () => readRedisState(redis, redisWatch) });
  let draining = false;
  // `warm` would load the models of all experiments in advance. This process loads only those of its profiles.
  const traffic = createTraffic({ ...evaluationEngine, warm: undefined, redis, metrics, log });
  const worker = await startWorker({ ...evaluationEngine, traffic, config, redis, engine, metrics, log });
  const probes = createProbes({
    metrics,
    redisWatch,
    encoders: evaluationEngine.encoders,
    silentMs: worker.silentMs,
    fault: () => (draining ? 'draining' : worker.fault()),
  });
  const server = await listen(probes, config.host, config.metricsPort, 'METRICS_PORT');
  return {
    url: server.url,
    async close() {
      draining = true;
      await worker.close();
      await traffic.close();
      await evaluationEngine.close();
      await engine.close();
      redisWatch.close();
      redis.disconnect();
      await server.close();
    },
  };
});
