import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { principalOf } from './principal.ts';

/** Returns the address of the client, as trusted proxies report it. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '0.0.0.0';

/**
 * Returns the owner of a request: the name under which the limits of this process count the request. It is the caller's
 * tenant, or its network when the request has no key.
 */
export function ownerOf(request: Request): string {
  const principal = principalOf(request);
  // One client can use every address of its IPv6 network, so the name contains the network and not the address.
  return principal === undefined ? `address:${ipKeyGenerator(addressOf(request))}` : `tenant:${principal.tenant}`;
}
