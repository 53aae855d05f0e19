import type { Metrics } from '../../shared/metrics.ts';
import type { Route } from '../route.ts';

export function metricsRoutes(metrics: Metrics): Route[] {
  return [
    {
      method: 'get',
      path: '/metrics',
      access: 'operator',
      operation: {
        operationId: 'getMetrics',
        summary: 'Metrics in the Prometheus text format',
        description:
          'Requires an operator key, or the METRICS_TOKEN as bearer token. A service without API keys requires neither.',
        tags: ['operations'],
        responses: { '200': { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } } },
      },
      handlers: [
        async (_request, response) => {
          response.type(metrics.contentType).send(await metrics.text());
        },
      ],
    },
  ];
}
