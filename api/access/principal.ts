import type { IncomingMessage } from 'node:http';
import type { KeyRecord } from '../../shared/api-keys.ts';

/** The identity that a request acts for. */
export interface Principal extends Pick<KeyRecord, 'tenant' | 'role' | 'weight' | 'limits'> {
  /** The proof of identity: `open` where no keys are needed, else an API key or a browser's session. */
  via: 'open' | 'key' | 'session';
  keyId: string | null;
}

/** The principal of every request where no keys are needed. */
export const everybody: Principal = { tenant: 'default', role: 'operator', via: 'open', keyId: null };

export function toPrincipal({ id, tenant, role, weight, limits }: KeyRecord, via: 'key' | 'session'): Principal {
  return { tenant, role, weight, limits, via, keyId: id };
}

const principals = new WeakMap<IncomingMessage, Principal>();

export const setPrincipal = (request: IncomingMessage, principal: Principal): void =>
  void principals.set(request, principal);

/** Returns undefined for a request to a public path without a key. */
export const principalOf = (request: IncomingMessage): Principal | undefined => principals.get(request);
