import { setTimeout as delay } from 'node:timers/promises';
import { createBatchEngine } from '../batches/engine.ts';
import { createScoring } from '../evaluation/scoring.ts';
import { listen } from '../shared/http-server.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis, whenConnected } from '../shared/redis.ts';
import { observeRedis } from '../shared/telemetry/redis-readings.ts';
import { version } from '../shared/version.ts';
import { createApp } from './app.ts';
import { checkBindRule } from './bind-rule.ts';

/** How long a start waits for Redis, in milliseconds. */
const redisPatienceMs = 1_000;

/** The API as a process of its own. */
await runProcess('vls-api', async (config, log) => {
  checkBindRule(config);
  const metrics = createMetrics();
  const scoring = await createScoring(config, log, metrics);
  const redis = connectRedis(config.redisUrl ?? 'redis://127.0.0.1:6379', 'producer', log);
  const { retentionHours } = config;
  const engine = createBatchEngine({ redis, profiles: () => scoring.registry.profiles, retentionHours, log });
  observeRedis(metrics, redis);
  metrics.onScrape({ read: engine.readings, freshMs: 5_000 });
  let draining = false;
  const app = createApp({
    ...scoring,
    ...engine,
    redis,
    metrics,
    log,
    config,
    version,
    isDraining: () => draining,
  });
  scoring.registry.watch(log);
  // The first request may be a batch. Without Redis the API starts all the same, and answers what needs none.
  await whenConnected(redis, redisPatienceMs);
  const server = await listen(app, config.host, config.port, 'PORT');
  return {
    url: server.url,
    async close() {
      draining = true;
      server.turnAway();
      await delay(config.drainDelayMs);
      engine.batches.close();
      await server.close();
      await scoring.close();
      await engine.close();
      redis.disconnect();
    },
  };
});
