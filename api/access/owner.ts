import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { principalOf } from './principal.ts';

/** Returns the client's IP address, as reported by trusted proxies if any. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '0.0.0.0';

/** Returns the name under which this process counts a caller: its tenant, or its network when it has no key. */
export function ownerOf(request: Request): string {
  const principal = principalOf(request);
  // A client can use every address of its IPv6 network, so the name contains the network.
  return principal === undefined ? `address:${ipKeyGenerator(addressOf(request))}` : `tenant:${principal.tenant}`;
}
