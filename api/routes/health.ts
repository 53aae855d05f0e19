import type { Batches } from '../../batches/batches.ts';
import { everyTenant } from '../../batches/keys.ts';
import type { Evaluators } from '../../models/pool/evaluators.ts';
import { type Health, health } from '../../shared/contracts/health.ts';
import type { Metrics } from '../../shared/metrics.ts';
import type { Redis } from '../../shared/redis.ts';
import { problemResponses } from '../openapi.ts';
import { type Route, reachOf } from '../route.ts';

export interface HealthDeps {
  redis: Redis;
  batches: Batches;
  evaluators: Evaluators;
  metrics: Metrics;
  version: string;
  /** Set while the process drains: it still answers, and asks for no more work. */
  isDraining: () => boolean;
}

const plain = { 'text/plain': { schema: { type: 'string' } } } as const;

/** Live: the process answers. Ready: it can score. The whole: what is there, for people and dashboards. */
export function healthRoutes(deps: HealthDeps): Route[] {
  const isReady = () => !deps.isDraining() && deps.evaluators.states().some(({ state }) => state === 'ready');
  deps.metrics.onScrape({ read: () => [{ name: 'vls_ready', labels: {}, value: isReady() ? 1 : 0 }] });
  return [
    {
      method: 'get',
      path: '/health',
      operation: {
        operationId: 'getHealth',
        summary: 'Redis, models, evaluators, workers and queues',
        description: 'Queues are for operators alone: their counts are the work of all tenants.',
        tags: ['operations'],
        responses: {
          '200': { description: 'Scores are given', content: { 'application/json': { schema: health } } },
          '503': { description: 'Nothing is scored', content: { 'application/json': { schema: health } } },
        },
      },
      handlers: [
        async (request, response) => {
          const everything = await readHealth(deps, isReady());
          const report = reachOf(request) === everyTenant ? everything : { ...everything, queues: null };
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
        summary: 'Whether the process answers',
        tags: ['operations'],
        responses: { '200': { description: 'It does', content: plain } },
      },
      handlers: [(_request, response) => void response.type('text/plain').send('live\n')],
    },
    {
      method: 'get',
      path: '/health/ready',
      access: 'public',
      operation: {
        operationId: 'getReady',
        summary: 'Whether single pairs can be scored here',
        description: 'Stays ready without Redis: singles do not need it, and batches are refused with a reason.',
        tags: ['operations'],
        responses: {
          '200': { description: 'They can', content: plain },
          '503': { description: 'Loading, failed or draining', content: plain },
          ...problemResponses(),
        },
      },
      handlers: [
        (_request, response) => {
          const ready = isReady();
          response
            .status(ready ? 200 : 503)
            .type('text/plain')
            .send(ready ? 'ready\n' : 'not ready\n');
        },
      ],
    },
  ];
}

async function readHealth({ redis, batches, evaluators, version }: HealthDeps, ready: boolean): Promise<Health> {
  const queues = await batches.queueCounts().catch((error: Error) => error);
  const down = queues instanceof Error;
  const info = down ? null : await redis.info('server').catch(() => null);
  const durability = down ? null : await batches.durability().catch(() => null);
  return {
    status: ready ? (down ? 'degraded' : 'ok') : 'unavailable',
    version,
    uptimeSeconds: Math.round(process.uptime()),
    redis: {
      status: down ? 'down' : 'ok',
      version: /redis_version:(\S+)/.exec(info ?? '')?.[1] ?? null,
      durability,
      detail: down ? queues.message : null,
    },
    models: evaluators.states().map(({ model, revision, state, ready: up, configured, restarts, detail }) => ({
      model,
      revision,
      state,
      evaluators: { ready: up, configured, restarts },
      detail,
    })),
    workers: down ? null : queues.reduce((sum, queue) => sum + queue.workers, 0),
    queues: down ? null : queues,
  };
}
