import type { RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';

/** A preflight's answer holds for so long, in seconds. */
const maxAge = 600;

/**
 * Lets scripts of the configured origins call the API with a key of theirs. Cookies are never taken from another origin.
 * No origin is configured unless somebody does.
 */
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
    // Helmet's default keeps the answer from pages of other origins, whatever else is allowed.
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    const isPreflight = request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined;
    if (!isPreflight) return next();
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, DELETE');
    response.setHeader(
      'Access-Control-Allow-Headers',
      'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, X-API-Key, X-Request-Id',
    );
    response.setHeader('Access-Control-Max-Age', String(maxAge));
    response.status(204).end();
  };
}
