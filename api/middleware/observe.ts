import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from '../../shared/log.ts';
import type { Metrics } from '../../shared/metrics.ts';

const acceptableId = /^[\w.:-]{1,128}$/;

/** Gives each request its id, one log line and its place in the metrics. */
export function observeRequests(log: Logger, metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const start = performance.now();
    const given = request.get('x-request-id');
    const requestId = given !== undefined && acceptableId.test(given) ? given : randomUUID();
    response.locals['requestId'] = requestId;
    response.setHeader('X-Request-Id', requestId);
    response.on('close', () => {
      const seconds = (performance.now() - start) / 1000;
      // The pattern, not the path: ids in a label would be a time series each.
      const route = String(response.locals['route'] ?? 'other');
      metrics.request({ method: request.method, route, status: response.statusCode }, seconds);
      const line = {
        requestId,
        method: request.method,
        path: request.originalUrl.split('?', 1)[0],
        status: response.statusCode,
        ms: Math.round(seconds * 1000),
        tenant: response.locals['tenant'],
        keyId: response.locals['keyId'],
      };
      if (response.statusCode >= 500) log.warn(line, 'request');
      else if (route.startsWith('/health') || route === '/metrics') log.debug(line, 'request');
      else log.info(line, 'request');
    });
    next();
  };
}
