import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { principalOf } from './principal.ts';

/** Address of the client, as trusted proxies report it. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? '0.0.0.0';

/** In whose share of this process a request counts: its tenant's; where nobody is signed in, its address's. */
export function ownerOf(request: Request): string {
  const principal = principalOf(request);
  // One caller may use every address of its IPv6 network, which the generator takes for one.
  return principal === undefined ? `address:${ipKeyGenerator(addressOf(request))}` : `tenant:${principal.tenant}`;
}
