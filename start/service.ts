import { setTimeout as delay } from 'node:timers/promises';
import { openKeyRing } from '../api/access/key-ring.ts';
import { createApp } from '../api/app.ts';
import { checkBindRule } from '../api/bind-rule.ts';
import { createBatchEngine } from '../batches/engine.ts';
import { createScoring } from '../evaluation/scoring.ts';
import { listen } from '../shared/http-server.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis } from '../shared/redis.ts';
import { observeRedis } from '../shared/telemetry/redis-readings.ts';
import { version } from '../shared/version.ts';
import { startWorker } from '../worker/worker.ts';

/** API and worker in one process, sharing one pool of evaluators: what `npm start` supervises. */
await runProcess('vls-api', async (config, log) => {
  checkBindRule(config);
  const keys = await openKeyRing(config, log);
  const metrics = createMetrics();
  const scoring = await createScoring(config, log, metrics);
  const redisUrl = config.redisUrl ?? 'redis://127.0.0.1:6379';
  const producer = connectRedis(redisUrl, 'producer', log);
  const consumer = connectRedis(redisUrl, 'consumer', log);
  const { retentionHours, queuedItems } = config;
  const posted = createBatchEngine({
    redis: producer,
    profiles: () => scoring.registry.profiles,
    retentionHours,
    queuedItems,
    log,
  });
  const pulled = createBatchEngine({ redis: consumer, profiles: () => [], retentionHours, log });
  observeRedis(metrics, producer);
  metrics.onScrape({ read: posted.readings, freshMs: 5_000 });
  let draining = false;
  const app = createApp({
    ...scoring,
    ...posted,
    redis: producer,
    keys,
    metrics,
    log,
    config,
    version,
    isDraining: () => draining,
  });
  const server = await listen(app, config.host, config.port, 'PORT');
  const worker = await startWorker({ ...scoring, config, redis: consumer, engine: pulled, metrics, log });
  await scoring.whenReady();
  return {
    url: server.url,
    async close() {
      draining = true;
      server.turnAway();
      await delay(config.drainDelayMs);
      posted.batches.close();
      await server.close();
      await worker.close();
      await scoring.close();
      await Promise.all([posted.close(), pulled.close()]);
      producer.disconnect();
      consumer.disconnect();
    },
  };
});
