import type { Request, RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { isProbe } from '../access/boundary.ts';
import { ownerOf } from '../access/owner.ts';
import { principalOf } from '../access/principal.ts';

export interface ConnectionLimits {
  /** Returns true for a request on a connection beyond the limit. */
  isSurplus: (request: Request) => boolean;
  /** Requests in flight that each tenant may have when all connections are in use. */
  guaranteed?: number;
  /** Requests in flight from one address without a key. */
  unknown?: number;
}

/**
 * Shares connections between tenants. A tenant alone may use all of them. When every connection has a request in flight, a
 * tenant with few requests is still answered on a surplus connection; others are refused and disconnected. Health checks
 * of an orchestrator are always answered.
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
    // The connection is needed for others after this answer.
    if (surplus) response.setHeader('Connection', 'close');
    if (isUnknown && count >= unknown) {
      response.setHeader('Connection', 'close');
      const message = `This address has ${count} requests without a key in flight, the maximum`;
      throw new ServiceError('overloaded', message, { retryAfter: 5 });
    }
    if (surplus && (isUnknown || count >= guaranteed)) {
      throw new ServiceError('overloaded', 'All connections of the service are in use', {
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
