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

/** Identifies callers by API key or by session cookie. */
export interface Access {
  /**
   * Returns the identity, rights and limits of an API key.
   * @throws {ServiceError} `access.key_invalid`, `access.throttled`
   */
  signIn(request: Request, key: string): Promise<Principal>;
  /**
   * Creates the middleware that identifies callers. Only public paths need no key or session. An invalid key is refused
   * even on a public path, so that its owner notices.
   * @param isPublic receives the path without the service prefix.
   */
  authenticate(isPublic: (path: string) => boolean): RequestHandler;
  /** Returns true while the key has the same tenant and role and the session has not ended. */
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
    // A session ends when the API key that started it is removed or expires.
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

/** @throws {ServiceError} `access.operator_only` */
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

/** Compares SHA-256 hashes, so that the duration reveals neither content nor length. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
