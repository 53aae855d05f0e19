import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { principalOf } from './principal.ts';

/** Returns the address of the client, as trusted proxies report it. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '0.0.0.0';

/** Names the owner of a request, for fair sharing of this process: its tenant, or its address when nobody is signed in. */
export function ownerOf(request: Request): string {
  const principal = principalOf(request);
  // One caller can use every address of its IPv6 network, so the generator reduces the address to the network.
  return principal === undefined ? `address:${ipKeyGenerator(addressOf(request))}` : `tenant:${principal.tenant}`;
}
