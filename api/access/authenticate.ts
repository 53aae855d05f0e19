import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { isProvenOwnPage, isSafe } from './boundary.ts';
import { createFailedKeys } from './failed-keys.ts';
import type { KeyRing } from './key-ring.ts';
import { addressOf } from './owner.ts';
import { everybody, type Principal, principalOf, setPrincipal, toPrincipal } from './principal.ts';
import type { Sessions } from './sessions.ts';

export interface AccessDeps {
  keys: KeyRing;
  sessions: Sessions;
  config: Pick<Config, 'metricsToken' | 'corsOrigins'>;
}

/** Identifies the caller of each request by its API key or by the session cookie of its browser. */
export interface Access {
  /**
   * Returns the principal (identity, rights and limits) that belongs to an API key. @throws {ServiceError}
   * `access.key_invalid`, `access.throttled`
   */
  signIn(request: Request, key: string): Promise<Principal>;
  /**
   * Returns a middleware that attaches the principal (identity, rights and limits) of the caller to the request. A
   * caller without a key or session may use only public paths. The middleware refuses an invalid key even on a public
   * path, so that the caller notices the mistake.
   * @param isPublic receives the path without the prefix of the service, and returns true for a public path.
   */
  authenticate(isPublic: (path: string) => boolean): RequestHandler;
  /**
   * Returns true while the caller still has access: its key exists and has the same rights, and its session has not
   * ended. Handlers of long responses call this repeatedly.
   */
  isStillAllowed(request: Request): Promise<boolean>;
}

export function createAccess({ keys, sessions, config }: AccessDeps): Access {
  const failures = createFailedKeys();

  async function signIn(request: Request, key: string): Promise<Principal> {
    const record = await keys.find(key);
    if (record !== undefined) return toPrincipal(record, 'key');
    return await failures.refuse(
      addressOf(request),
      'This API key is not valid: it may be mistyped, removed or expired',
    );
  }

  async function fromSession(request: Request): Promise<Principal | undefined> {
    const keyId = await sessions.keyIdOf(request);
    // A session is valid only while the API key with which the browser signed in exists and has not expired.
    const record = keyId === undefined ? undefined : await keys.byId(keyId);
    if (record === undefined) return undefined;
    if (isSafe(request) || isProvenOwnPage(request, config)) return toPrincipal(record, 'session');
    throw new ServiceError(
      'request.foreign_origin',
      'A session cookie permits changes only from pages of this service; send an API key instead',
    );
  }

  return {
    signIn,
    authenticate: (isPublic) => async (request, response, next) => {
      const { path } = request;
      const key = presentedKey(request);
      const { metricsToken } = config;
      if (path === '/metrics' && key !== undefined && metricsToken !== undefined && isSame(key, metricsToken)) {
        setPrincipal(request, { tenant: 'metrics', role: 'operator', via: 'key', keyId: null });
        return next();
      }
      if (!keys.required) {
        setPrincipal(request, everybody);
        return next();
      }
      const principal = key === undefined ? await fromSession(request) : await signIn(request, key);
      if (principal !== undefined) {
        setPrincipal(request, principal);
        response.locals['tenant'] = principal.tenant;
        response.locals['keyId'] = principal.keyId;
      } else if (!isPublic(path)) {
        response.setHeader('WWW-Authenticate', 'Bearer realm="vision-language similarity"');
        throw new ServiceError(
          'access.key_missing',
          'Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`, or sign in with a browser',
        );
      }
      next();
    },
    async isStillAllowed(request) {
      const principal = principalOf(request);
      if (principal === undefined || principal.keyId === null) return true;
      if (principal.via === 'session' && (await sessions.keyIdOf(request)) !== principal.keyId) return false;
      const record = await keys.byId(principal.keyId);
      return record?.tenant === principal.tenant && record.role === principal.role;
    },
  };
}

/** Refuses requests of callers that are not operators. @throws {ServiceError} `access.operator_only` */
export const requireOperator: RequestHandler = (request, _response, next) => {
  if (principalOf(request)?.role === 'operator') return next();
  throw new ServiceError(
    'access.operator_only',
    'Only operators may do this. Use an operator key: `vls keys add --operator` creates one',
  );
};

function presentedKey(request: Request): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1];
  return bearer ?? request.get('x-api-key')?.trim();
}

/**
 * Compares two strings by their SHA-256, so that the duration of the comparison reveals neither their content nor their
 * length.
 */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
