import { checkBindRule } from '../api/bind-rule.ts';
import { startApi } from '../api/server.ts';
import { createBatchEngine } from '../batches/engine.ts';
import { createEvaluationEngine } from '../evaluation/engine.ts';
import { deviceWords } from '../models/device/device.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis } from '../shared/redis.ts';
import { createTraffic } from '../traffic/traffic.ts';
import { startWorker } from '../worker/worker.ts';

const start: Parameters<typeof runProcess>[1] = async (config, log) => {
  checkBindRule(config);
  const metrics = createMetrics();
  const evaluationEngine = await createEvaluationEngine(config, log, metrics);
  const redisUrl = config.redisUrl ?? 'redis://127.0.0.1:6379';
  const producer = connectRedis(redisUrl, 'producer', log, config);
  const consumer = connectRedis(redisUrl, 'consumer', log, config);
  const { retentionHours } = config;
  const engine = createBatchEngine({
    redis: consumer,
    profiles: () => [],
    retentionHours,
    storage: config,
    onPosted: metrics.posted,
    log,
  });
  // HTTP requests wait for the Redis calls of `traffic`, so it gets the connection with a time limit.
  const traffic = createTraffic({ ...evaluationEngine, redis: producer, metrics, log });
  const api = await startApi({ ...evaluationEngine, traffic, config, log, metrics, redis: producer });
  const worker = await startWorker({ ...evaluationEngine, traffic, config, redis: consumer, engine, metrics, log });
  await evaluationEngine.whenReady();
  return {
    url: api.url,
    remark: deviceWords(evaluationEngine.device),
    async close() {
      await api.close();
      await worker.close();
      await traffic.close();
      await evaluationEngine.close();
      await Promise.all([api.engine.close(), engine.close()]);
      producer.disconnect();
      consumer.disconnect();
    },
  };
};

/** The process that `npm start` supervises: API and worker, which share one pool of encoders. */
await runProcess('vls-api', start, { isSupervised: true });
