import type { Batches } from '../../batches/batches.ts';
import type { Encoders } from '../../models/pool/encoders.ts';
import { type Health, health } from '../../shared/contracts/health.ts';
import type { Metrics } from '../../shared/metrics.ts';
import { refusals } from '../../shared/redis/fault.ts';
import { serverOf, versionOf } from '../../shared/redis/info.ts';
import { everyTenant } from '../../shared/redis/keys.ts';
import type { RedisWatch } from '../../shared/redis/watch.ts';
import type { Redis } from '../../shared/redis.ts';
import { scopeOf } from '../access/tenant.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface HealthDeps {
  redis: Redis;
  redisWatch: RedisWatch;
  batches: Batches;
  encoders: Encoders;
  metrics: Metrics;
  version: string;
  /** Returns true while the process drains before it stops. It still answers, but new requests should go elsewhere. */
  isDraining: () => boolean;
}

const plain = { 'text/plain': { schema: { type: 'string' } } } as const;

/** Routes of `/health`: `live` (the process answers), `ready` (it can score), and details for people and dashboards. */
export function healthRoutes(deps: HealthDeps): Route[] {
  const isReady = () => !deps.isDraining() && deps.encoders.states().some(({ state }) => state === 'ready');
  /**
   * The report in progress. Concurrent requests share it: it takes about 50 Redis queries, and the route has no rate
   * limit.
   */
  let reading: Promise<Health> | undefined;
  const read = () => {
    reading ??= readHealth(deps, isReady()).finally(() => {
      reading = undefined;
    });
    return reading;
  };
  deps.metrics.onScrape({ read: () => [{ name: 'vls_ready', labels: {}, value: isReady() ? 1 : 0 }] });
  return [
    {
      method: 'get',
      path: '/health',
      operation: {
        operationId: 'getHealth',
        summary: 'State of Redis, models, encoders, workers and queues',
        description:
          'Only operators see the queues, because the counts include the work of all tenants, and the settings, because they contain paths of folders.',
        tags: ['operations'],
        responses: {
          '200': { description: 'The service can score', content: { 'application/json': { schema: health } } },
          '503': { description: 'The service cannot score', content: { 'application/json': { schema: health } } },
        },
      },
      handlers: [
        async (request, response) => {
          const full = await read();
          const report = scopeOf(request) === everyTenant ? full : { ...full, queues: null, settings: [] };
          response.status(report.status === 'unavailable' ? 503 : 200).json(report);
        },
      ],
    },
    {
      method: 'get',
      path: '/health/live',
      access: 'public',
      operation: {
        operationId: 'getLive',
        summary: 'Check that the process answers',
        tags: ['operations'],
        responses: { '200': { description: 'The process answers', content: plain } },
      },
      handlers: [(_request, response) => void response.type('text/plain').send('live\n')],
    },
    {
      method: 'get',
      path: '/health/ready',
      access: 'public',
      operation: {
        operationId: 'getReady',
        summary: 'Check that this process can score single pairs',
        description:
          'A process without Redis is ready, since single pairs do not need Redis. Batches are refused then, and a second line of the response states the problem.',
        tags: ['operations'],
        responses: {
          '200': { description: 'Ready', content: plain },
          '503': { description: 'The process is loading a model, has failed, or is draining', content: plain },
          ...problemResponses(),
        },
      },
      handlers: [
        (_request, response) => {
          const ready = isReady();
          const redisFault = deps.redisWatch.describe();
          response
            .status(ready ? 200 : 503)
            .type('text/plain')
            .send(
              `${ready ? 'ready' : 'not ready'}\n${redisFault === undefined ? '' : `${redisFault}: batches are refused\n`}`,
            );
        },
      ],
    },
  ];
}

async function readHealth(deps: HealthDeps, isReady: boolean): Promise<Health> {
  const { redis, redisWatch, batches, encoders, version } = deps;
  await redisWatch.look();
  const fault = redisWatch.fault();
  const isAnswering = fault === undefined || refusals.has(fault);
  const queues = isAnswering ? await batches.queueCounts().catch((error: Error) => error) : undefined;
  const settings = batches.unlikeSettings();
  const isDown = queues === undefined || (queues instanceof Error && fault === undefined);
  const counts = Array.isArray(queues) ? queues : null;
  const info = isDown ? null : await redis.info('server').catch(() => null);
  const durability = isDown ? null : await batches.durability().catch(() => null);
  return {
    status: !isReady ? 'unavailable' : isDown || fault !== undefined || settings.length > 0 ? 'degraded' : 'ok',
    version,
    uptimeSeconds: Math.round(process.uptime()),
    redis: {
      status: isDown ? 'down' : fault !== undefined ? 'refusing' : 'ok',
      fault: fault ?? (isDown ? 'unreachable' : null),
      server: info === null ? null : serverOf(info),
      version: info === null ? null : versionOf(info),
      durability,
      detail: redisWatch.describe() ?? (queues instanceof Error ? queues.message : null),
    },
    models: encoders.states().map(({ model, revision, state, ready: up, configured, restarts, detail }) => ({
      model,
      revision,
      state,
      encoders: { ready: up, configured, restarts },
      detail,
    })),
    settings,
    workers: counts?.reduce((sum, queue) => sum + queue.workers, 0) ?? null,
    queues: counts,
  };
}
