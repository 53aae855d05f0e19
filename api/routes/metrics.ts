import type { Metrics } from '../../shared/metrics.ts';
import type { Route } from '../route.ts';

/** The route `GET /metrics`, for Prometheus. */
export function metricsRoutes(metrics: Metrics): Route[] {
  return [
    {
      method: 'get',
      path: '/metrics',
      access: 'operator',
      operation: {
        operationId: 'getMetrics',
        summary: 'Metrics in the Prometheus text format',
        description: 'For operators, and for clients that send the METRICS_TOKEN.',
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
