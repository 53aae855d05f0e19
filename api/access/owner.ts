import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { principalOf } from './principal.ts';

/** Returns the IP address of the client. Behind trusted proxies, it is the address that the proxies report. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '0.0.0.0';

/**
 * Returns the name by which this process counts the requests of a caller: the tenant of the caller, or the network of a
 * caller without a key.
 */
export function ownerOf(request: Request): string {
  const principal = principalOf(request);
  // A client can use every address of its IPv6 network. The returned name therefore contains the network instead of the
  // address.
  return principal === undefined ? `address:${ipKeyGenerator(addressOf(request))}` : `tenant:${principal.tenant}`;
}
