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

/** Asked every few seconds by machines: traces and lines of them would be noise. */
const probes = new Set(['/health', '/health/live', '/health/ready', '/metrics'].map((path) => prefix + path));

/** Of a path in the log, in characters. Ids have 36; what is longer was made up. */
const maxPath = 200;

/** The network of a caller without a tenant: one machine has billions of IPv6 addresses. */
const addressOf = (request: Request): string => ipKeyGenerator(request.ip ?? request.socket.remoteAddress ?? '0.0.0.0');

/** Gives each request its id, its span, one log line and its place in the metrics; repeated refusals of a caller share a line. */
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
    // Each layer that holds something for a request lets go of it then: more of them than Node takes for a leak.
    response.setMaxListeners(30);
    response.on('close', () => {
      inFlight--;
      const seconds = (performance.now() - start) / 1000;
      // The pattern, not the path: ids in a label would be a time series each.
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
      if (isRefused && !refusals.admits(tenant ?? addressOf(request), code)) return;
      // Whoever is refused is no machine that only looks whether we are ready.
      if (span === undefined && (statusCode < 400 || statusCode === 503)) log.debug(line, 'request');
      else if (statusCode >= 500) log.warn(line, 'request');
      else log.info(line, 'request');
    });
    if (span === undefined) next();
    else span.run(next);
  };
}
