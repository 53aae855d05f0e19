import type { IncomingMessage } from 'node:http';
import type { KeyRecord } from '../../shared/api-keys.ts';

/** On whose behalf a request is made. */
export interface Principal extends Pick<KeyRecord, 'tenant' | 'role' | 'weight' | 'limits'> {
  /** How it was told: nobody needs a key, it brought one, or its browser has signed in. */
  via: 'open' | 'key' | 'session';
  keyId: string | null;
}

/** Who everybody is where no keys are needed. */
export const everybody: Principal = { tenant: 'default', role: 'operator', via: 'open', keyId: null };

export function toPrincipal({ id, tenant, role, weight, limits }: KeyRecord, via: 'key' | 'session'): Principal {
  return { tenant, role, weight, limits, via, keyId: id };
}

const principals = new WeakMap<IncomingMessage, Principal>();

export const setPrincipal = (request: IncomingMessage, principal: Principal): void =>
  void principals.set(request, principal);

/** Nothing for a request to a public path that brought no key. */
export const principalOf = (request: IncomingMessage): Principal | undefined => principals.get(request);
