import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { prefix } from '../../shared/contracts/paths.ts';
import { ServiceError } from '../../shared/errors.ts';

export type BoundaryConfig = Pick<Config, 'host' | 'allowedHosts' | 'corsOrigins'>;

/**
 * The paths of the health checks. The Host header of these requests is not checked, because an orchestrator calls them
 * by the IP address of a replica. The responses to health checks contain nothing confidential.
 */
const probes = new Set([`${prefix}/health/live`, `${prefix}/health/ready`]);
export const isProbe = (request: Request): boolean => probes.has(request.path);
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Creates a middleware that refuses requests that a browser sends for a page of another origin. It works with and
 * without API keys.
 *
 * The check of the `Host` header prevents DNS rebinding: an attack in which a host name of the attacker resolves to
 * this machine. Accepted hosts are the configured names and the local IP address of the connection, because an IP
 * address cannot be rebound. The headers `Sec-Fetch-Site` and `Origin` reveal requests from pages of another origin
 * (CSRF); scripts cannot change these headers. A client that sends neither `Sec-Fetch-Site` nor `Origin` is not a
 * browser.
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

  /** Returns true when the page that sent the request belongs to this service or to an origin in CORS_ORIGINS. */
  function isOwnPage(request: Request): boolean {
    const origin = request.get('origin');
    if (origin !== undefined && foreignOrigins.has(origin)) return true;
    const site = request.get('sec-fetch-site');
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    if (origin === undefined) return true;
    const authority = URL.canParse(origin) ? new URL(origin).host : '';
    // Compares the origin with the Host header that the service received. A proxy may have replaced the browser's Host
    // header, so the configured names are accepted too.
    return authority !== '' && (authority === hostOf(request) || configured.has(authority));
  }

  return (request, _response, next) => {
    // When a request has several Host headers, Node uses the first one, but a proxy in front of the service may have
    // used another one (RFC 9112, 3.2).
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
 * Returns true when the headers of a browser prove that a page of this service sent the request. Only such a request
 * may change data with a session cookie. All other clients need an API key to change data: those that send neither
 * `Sec-Fetch-Site` nor `Origin`, and pages of CORS_ORIGINS.
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
