import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { prefix } from '../../shared/contracts/paths.ts';
import { type Code, excerpt } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Metrics } from '../../shared/metrics.ts';
import { traceRequest } from '../../shared/telemetry/spans.ts';
import { createRefusalLog } from './refusal-log.ts';

const acceptableId = /^[\w.:-]{1,128}$/;

/** Paths that monitoring requests every few seconds. They get no trace, and normally a log line at debug level only. */
const probes = new Set(['/health', '/health/live', '/health/ready', '/metrics'].map((path) => prefix + path));

/** The maximum length of a path in the log. Valid API paths are shorter. */
const maxPath = 200;

/** Returns the network of a caller without a tenant, because one machine may use billions of IPv6 addresses. */
const networkOf = (request: Request): string => ipKeyGenerator(request.ip ?? request.socket.remoteAddress ?? '0.0.0.0');

/** Gives each request an id, a trace span, a log line and metrics. */
export function observeRequests(log: Logger, metrics: Metrics): RequestHandler {
  const refusals = createRefusalLog(log);
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
    // Several middlewares listen for `close`, and Node warns of a leak beyond 10 listeners.
    response.setMaxListeners(30);
    response.on('close', () => {
      inFlight--;
      const seconds = (performance.now() - start) / 1000;
      // The label is the route pattern: each id in a path would create a separate time series.
      const route = String(response.locals['route'] ?? 'other');
      metrics.request({ method: request.method, route, status: response.statusCode }, seconds);
      const { code, tenant } = response.locals as { code?: Code; tenant?: string };
      span?.end(route, response.statusCode, code);
      const line = {
        requestId,
        traceId: span?.traceId,
        method: request.method,
        path: excerpt(request.originalUrl.split('?', 1)[0] ?? '', maxPath),
        status: response.statusCode,
        ms: Math.round(seconds * 1000),
        tenant,
        keyId: response.locals['keyId'],
        code,
        batchId: response.locals['batchId'],
      };
      const { statusCode } = response;
      const isRefused = code !== undefined && code !== 'internal';
      if (isRefused && !refusals.admits(tenant ?? networkOf(request), code)) return;
      // Status 503 is a normal answer to a health check.
      if (span === undefined && (statusCode < 400 || statusCode === 503)) log.debug(line, 'request');
      else if (statusCode >= 500) log.warn(line, 'request');
      else log.info(line, 'request');
    });
    if (span === undefined) next();
    else span.run(next);
  };
}
