import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import { prefix } from '../../shared/contracts/paths.ts';
import type { Logger } from '../../shared/log.ts';
import type { Metrics } from '../../shared/metrics.ts';
import { traceRequest } from '../../shared/telemetry/spans.ts';

const acceptableId = /^[\w.:-]{1,128}$/;

/** Asked every few seconds by machines: traces and lines of them would be noise. */
const probes = new Set(['/health', '/health/live', '/health/ready', '/metrics'].map((path) => prefix + path));

/** Gives each request its id, its span, one log line and its place in the metrics. */
export function observeRequests(log: Logger, metrics: Metrics): RequestHandler {
  let inFlight = 0;
  metrics.onScrape({ read: () => [{ name: 'vls_http_requests_in_flight', labels: {}, value: inFlight }] });
  return (request, response, next) => {
    const start = performance.now();
    const given = request.get('x-request-id');
    const requestId = given !== undefined && acceptableId.test(given) ? given : randomUUID();
    response.locals['requestId'] = requestId;
    response.setHeader('X-Request-Id', requestId);
    const span = probes.has(request.path) ? undefined : traceRequest(request.method, request.headers);
    response.locals['traceId'] = span?.traceId;
    inFlight++;
    // Each layer that holds something for a request lets go of it then: more of them than Node takes for a leak.
    response.setMaxListeners(30);
    response.on('close', () => {
      inFlight--;
      const seconds = (performance.now() - start) / 1000;
      // The pattern, not the path: ids in a label would be a time series each.
      const route = String(response.locals['route'] ?? 'other');
      metrics.request({ method: request.method, route, status: response.statusCode }, seconds);
      const { code } = response.locals as { code?: string };
      span?.end(route, response.statusCode, code);
      const line = {
        requestId,
        traceId: span?.traceId,
        method: request.method,
        path: request.originalUrl.split('?', 1)[0],
        status: response.statusCode,
        ms: Math.round(seconds * 1000),
        tenant: response.locals['tenant'],
        keyId: response.locals['keyId'],
        code,
        batchId: response.locals['batchId'],
      };
      const { statusCode } = response;
      // Whoever is refused is no machine that only looks whether we are ready.
      if (span === undefined && (statusCode < 400 || statusCode === 503)) log.debug(line, 'request');
      else if (statusCode >= 500) log.warn(line, 'request');
      else log.info(line, 'request');
    });
    if (span === undefined) next();
    else span.run(next);
  };
}
