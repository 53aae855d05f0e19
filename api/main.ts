import { setTimeout as delay } from 'node:timers/promises';
import { createBatchEngine } from '../batches/engine.ts';
import { createScoring } from '../evaluation/scoring.ts';
import { listen } from '../shared/http-server.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis, whenConnected } from '../shared/redis.ts';
import { observeRedis } from '../shared/telemetry/redis-readings.ts';
import { version } from '../shared/version.ts';
import { openKeyRing } from './access/key-ring.ts';
import { createApp } from './app.ts';
import { checkBindRule } from './bind-rule.ts';

/** So long the start waits for Redis, in milliseconds; singles need none, so it goes on without. */
const redisPatienceMs = 2_000;

/** The API as a process of its own. */
await runProcess('vls-api', async (config, log) => {
  checkBindRule(config);
  const keys = await openKeyRing(config, log);
  const metrics = createMetrics();
  const scoring = await createScoring(config, log, metrics);
  const redis = connectRedis(config.redisUrl ?? 'redis://127.0.0.1:6379', 'producer', log);
  const { retentionHours, queuedItems } = config;
  const profiles = () => scoring.registry.profiles;
  const engine = createBatchEngine({ redis, profiles, retentionHours, queuedItems, log });
  observeRedis(metrics, redis);
  metrics.onScrape({ read: engine.readings, freshMs: 5_000 });
  let draining = false;
  const app = createApp({
    ...scoring,
    ...engine,
    redis,
    keys,
    metrics,
    log,
    config,
    version,
    isDraining: () => draining,
  });
  scoring.registry.watch(log);
  // Whoever posts a batch as soon as this process is ready must not be told that Redis is away.
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
