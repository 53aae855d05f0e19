import { createEvaluationEngine } from '../evaluation/engine.ts';
import { runProcess } from '../shared/lifecycle.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectRedis } from '../shared/redis.ts';
import { createTraffic } from '../traffic/traffic.ts';
import { checkBindRule } from './bind-rule.ts';
import { startApi } from './server.ts';

await runProcess('vls-api', async (config, log) => {
  checkBindRule(config);
  const metrics = createMetrics();
  const evaluationEngine = await createEvaluationEngine(config, log, metrics);
  const redis = connectRedis(config.redisUrl ?? 'redis://127.0.0.1:6379', 'producer', log, config);
  evaluationEngine.watchRegistry();
  const traffic = createTraffic({ ...evaluationEngine, redis, metrics, log });
  const api = await startApi({ ...evaluationEngine, traffic, config, log, metrics, redis });
  return {
    url: api.url,
    async close() {
      await api.close();
      await traffic.close();
      await evaluationEngine.close();
      await api.engine.close();
      redis.disconnect();
    },
  };
});
