import { createScoring } from '../evaluation/scoring.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis } from '../shared/redis.ts';
import { createTraffic } from '../traffic/traffic.ts';
import { checkBindRule } from './bind-rule.ts';
import { startApi } from './server.ts';

/** The API as a process of its own. */
await runProcess('vls-api', async (config, log) => {
  checkBindRule(config);
  const metrics = createMetrics();
  const scoring = await createScoring(config, log, metrics);
  const redis = connectRedis(config.redisUrl ?? 'redis://127.0.0.1:6379', 'producer', log, config);
  scoring.watchRegistry();
  const traffic = createTraffic({ ...scoring, redis, metrics, log });
  const api = await startApi({ ...scoring, traffic, config, log, metrics, redis });
  return {
    url: api.url,
    async close() {
      await api.close();
      await traffic.close();
      await scoring.close();
      await api.engine.close();
      redis.disconnect();
    },
  };
});
