import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { prefix } from '../../shared/contracts/paths.ts';
import { ServiceError } from '../../shared/errors.ts';

export type BoundaryConfig = Pick<Config, 'host' | 'allowedHosts' | 'corsOrigins'>;

/** Health checks, whose Host header is not checked: orchestrators call a replica by its IP address. */
const probes = new Set([`${prefix}/health/live`, `${prefix}/health/ready`]);
export const isProbe = (request: Request): boolean => probes.has(request.path);
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Creates a middleware that refuses requests that a browser sends for a page of another origin.
 *
 * The `Host` check prevents DNS rebinding (a host name of an attacker that resolves to this machine). The local IP
 * address cannot be rebound. `Sec-Fetch-Site` and `Origin` reveal pages of other origins (CSRF), and scripts cannot
 * change them. A client that sends neither is not a browser.
 */
export function createBoundary({ host, allowedHosts, corsOrigins }: BoundaryConfig): RequestHandler {
  const configured = new Set(allowedHosts.map((name) => name.toLowerCase()));
  const ownName = host.toLowerCase();
  const foreignOrigins = new Set(corsOrigins);

  function isKnownHost(authority: string, localAddress: string | undefined): boolean {
    if (configured.has('*') || configured.has(authority)) return true;
    const name = nameOf(authority);
    if (name === undefined) return false;
    if (configured.has(name) || name === ownName || isLoopback(name)) return true;
    return isIP(name) !== 0 && name === localAddress?.replace(/^::ffff:/, '');
  }

  /** Returns true when the page belongs to this service or to an origin in CORS_ORIGINS. */
  function isOwnPage(request: Request): boolean {
    const origin = request.get('origin');
    if (origin !== undefined && foreignOrigins.has(origin)) return true;
    const site = request.get('sec-fetch-site');
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    if (origin === undefined) return true;
    const authority = URL.canParse(origin) ? new URL(origin).host : '';
    // A proxy may have replaced the browser's Host header, so the configured names count too.
    return authority !== '' && (authority === hostOf(request) || configured.has(authority));
  }

  return (request, _response, next) => {
    // Node uses the first of several Host headers, but a proxy may have used another (RFC 9112, 3.2).
    if (request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length > 1) {
      throw new ServiceError('request.invalid', 'A request must have exactly one Host header');
    }
    const authority = hostOf(request);
    if (!isProbe(request) && !isKnownHost(authority, request.socket.localAddress)) {
      throw new ServiceError(
        'request.unknown_host',
        `The Host header names ${JSON.stringify(authority.slice(0, 100))}, which is not a name of this service; an operator can add it to ALLOWED_HOSTS`,
      );
    }
    if (!safeMethods.has(request.method) && !isOwnPage(request)) {
      throw new ServiceError(
        'request.foreign_origin',
        `Pages of ${request.get('origin')?.slice(0, 100) ?? 'another site'} may not send requests that change data; an operator can allow this origin with CORS_ORIGINS`,
      );
    }
    next();
  };
}

/**
 * Returns true when browser headers prove that a page of this service sent the request. Only such requests may change
 * data with a session cookie.
 */
export function isProvenOwnPage(request: Request, { corsOrigins }: Pick<Config, 'corsOrigins'>): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = request.get('origin');
  return origin !== undefined && !corsOrigins.includes(origin);
}

export const isSafe = (request: Request): boolean => safeMethods.has(request.method);

const hostOf = (request: Request): string => (request.get('host') ?? '').toLowerCase();

/** Returns the host name in a Host header: `name`, `name:port` or `[address]:port`. */
function nameOf(authority: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^\s/:@[\]]+))(?::\d{1,5})?$/.exec(authority) ?? [];
  return bracketed ?? plain;
}

const isLoopback = (name: string): boolean =>
  name === 'localhost' ||
  name.endsWith('.localhost') ||
  name === '::1' ||
  (isIP(name) === 4 && name.startsWith('127.'));
