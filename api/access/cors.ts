import type { RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';

/** The time in s for which a browser may reuse the answer to a preflight request. */
const maxAge = 600;

/** Lets scripts of the configured origins call the API with their own API key, never with cookies. */
export function createCors({ corsOrigins }: Pick<Config, 'corsOrigins'>): RequestHandler {
  const allowed = new Set(corsOrigins);
  return (request, response, next) => {
    const origin = request.get('origin');
    if (allowed.size > 0) response.vary('Origin');
    if (origin === undefined || !allowed.has(origin)) return next();
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader(
      'Access-Control-Expose-Headers',
      'Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id',
    );
    // Helmet's default, `same-origin`, would hide the response from other origins.
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    const isPreflight = request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined;
    if (!isPreflight) return next();
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE');
    response.setHeader(
      'Access-Control-Allow-Headers',
      'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, X-API-Key, X-Request-Id',
    );
    response.setHeader('Access-Control-Max-Age', String(maxAge));
    response.status(204).end();
  };
}
