import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { principalOf } from './principal.ts';

/** Returns the address of the client. Behind trusted proxies, it is the address that they report. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '0.0.0.0';

/**
 * Returns the owner of a request, by which the limits of this process count requests: the tenant of the caller, or its
 * network when the request has no key.
 */
export function ownerOf(request: Request): string {
  const principal = principalOf(request);
  // A client can use every address of its IPv6 network, so the name contains the network instead of the address.
  return principal === undefined ? `address:${ipKeyGenerator(addressOf(request))}` : `tenant:${principal.tenant}`;
}
