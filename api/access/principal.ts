import type { IncomingMessage } from 'node:http';
import type { KeyRecord } from '../../shared/api-keys.ts';

/** The identity, rights and limits of a caller. */
export interface Principal extends Pick<KeyRecord, 'tenant' | 'role' | 'weight' | 'limits'> {
  /**
   * `key`: by an API key. `session`: by a browser's cookie. `open`: not identified, because the service needs no keys.
   */
  via: 'open' | 'key' | 'session';
  keyId: string | null;
}

/** The principal of every request when the service needs no keys. */
export const everybody: Principal = { tenant: 'default', role: 'operator', via: 'open', keyId: null };

export function toPrincipal({ id, tenant, role, weight, limits }: KeyRecord, via: 'key' | 'session'): Principal {
  return { tenant, role, weight, limits, via, keyId: id };
}

const principals = new WeakMap<IncomingMessage, Principal>();

export const setPrincipal = (request: IncomingMessage, principal: Principal): void =>
  void principals.set(request, principal);

/** Returns undefined for a request without a key, which is possible only on a public path. */
export const principalOf = (request: IncomingMessage): Principal | undefined => principals.get(request);
