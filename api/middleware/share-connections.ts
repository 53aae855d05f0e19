import type { Request, RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { isProbe } from '../access/boundary.ts';
import { ownerOf } from '../access/owner.ts';
import { principalOf } from '../access/principal.ts';

export interface ConnectionLimits {
  /** Whether a request came on a connection beyond those there may be. */
  isSurplus: (request: Request) => boolean;
  /** Connections with a request in flight that a tenant gets though others hold all. */
  guaranteed?: number;
  /** Connections with a request in flight from one address, of callers that are not signed in. */
  unknown?: number;
}

/**
 * Shares connections between tenants. A tenant that is alone may hold all. Where every connection has a request in
 * flight, a tenant that holds few is answered on one beyond the bound, and others are refused and cut off. An orchestrator
 * always learns that the process lives.
 * @throws {ServiceError} `overloaded`
 */
export function shareConnections({ isSurplus, guaranteed = 16, unknown = 32 }: ConnectionLimits): RequestHandler {
  /** Requests in flight by owner. */
  const inFlight = new Map<string, number>();
  return (request, response, next) => {
    if (isProbe(request)) return next();
    const owner = ownerOf(request);
    const count = inFlight.get(owner) ?? 0;
    const isUnknown = principalOf(request) === undefined;
    const surplus = isSurplus(request);
    // It is wanted for others as soon as it has been answered.
    if (surplus) response.setHeader('Connection', 'close');
    if (isUnknown && count >= unknown) {
      response.setHeader('Connection', 'close');
      const message = 'As many requests of callers without a key are being answered at this address as may be';
      throw new ServiceError('overloaded', message, { retryAfter: 5 });
    }
    if (surplus && (isUnknown || count >= guaranteed)) {
      throw new ServiceError('overloaded', 'The service has as many connections open as it may have', {
        retryAfter: 5,
      });
    }
    inFlight.set(owner, count + 1);
    response.on('close', () => {
      const left = (inFlight.get(owner) ?? 1) - 1;
      if (left > 0) inFlight.set(owner, left);
      else inFlight.delete(owner);
    });
    next();
  };
}
