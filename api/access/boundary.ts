import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { prefix } from '../../shared/contracts/paths.ts';
import { ServiceError } from '../../shared/errors.ts';

export type BoundaryConfig = Pick<Config, 'host' | 'allowedHosts' | 'corsOrigins'>;

/** Probes of an orchestrator go to whatever address a replica has; they learn nothing there. */
const probes = new Set([`${prefix}/health/live`, `${prefix}/health/ready`]);
export const isProbe = (request: Request): boolean => probes.has(request.path);
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a page of somebody else could make a browser send here, whether keys are needed or not.
 *
 * A name that its owner points at this machine (DNS rebinding) is told by `Host`: an address cannot be rebound, so the
 * one the connection came in on is as good as the names that are configured. A page of another origin (CSRF) is told by
 * `Sec-Fetch-Site` and `Origin`, which scripts cannot set; what sends neither is no browser.
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

  /** The page that sends this was loaded from here, or may send from where it was. */
  function isOwnPage(request: Request): boolean {
    const origin = request.get('origin');
    if (origin !== undefined && foreignOrigins.has(origin)) return true;
    const site = request.get('sec-fetch-site');
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    if (origin === undefined) return true;
    const authority = URL.canParse(origin) ? new URL(origin).host : '';
    // A proxy may have put another Host in place of the one that the browser asked for.
    return authority !== '' && (authority === hostOf(request) || configured.has(authority));
  }

  return (request, _response, next) => {
    // Node keeps the first of several; a proxy before it may have gone by another (RFC 9112, 3.2).
    if (request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length > 1) {
      throw new ServiceError('request.invalid', 'A request has one Host');
    }
    const authority = hostOf(request);
    if (!isProbe(request) && !isKnownHost(authority, request.socket.localAddress)) {
      throw new ServiceError(
        'request.unknown_host',
        `The service does not go by the name ${JSON.stringify(authority.slice(0, 100))}; ALLOWED_HOSTS adds names`,
      );
    }
    if (!safeMethods.has(request.method) && !isOwnPage(request)) {
      throw new ServiceError(
        'request.foreign_origin',
        `A page of ${request.get('origin')?.slice(0, 100) ?? 'another site'} may not change anything here; CORS_ORIGINS adds origins`,
      );
    }
    next();
  };
}

/**
 * Whether a browser says that a page of this very service sends the request: what says nothing, and the pages of
 * CORS_ORIGINS, must not act on a cookie.
 */
export function isProvenOwnPage(request: Request, { corsOrigins }: Pick<Config, 'corsOrigins'>): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = request.get('origin');
  return origin !== undefined && !corsOrigins.includes(origin);
}

export const isSafe = (request: Request): boolean => safeMethods.has(request.method);

const hostOf = (request: Request): string => (request.get('host') ?? '').toLowerCase();

/** The name in `name`, `name:port` or `[address]:port`. */
function nameOf(authority: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^\s/:@[\]]+))(?::\d{1,5})?$/.exec(authority) ?? [];
  return bracketed ?? plain;
}

const isLoopback = (name: string): boolean =>
  name === 'localhost' ||
  name.endsWith('.localhost') ||
  name === '::1' ||
  (isIP(name) === 4 && name.startsWith('127.'));
