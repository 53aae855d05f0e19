import type { Request, RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { isProbe } from '../access/boundary.ts';
import { ownerOf } from '../access/owner.ts';
import { principalOf } from '../access/principal.ts';

export interface ConnectionLimits {
  /** Returns true for a request on a connection beyond the configured maximum. */
  isSurplus: (request: Request) => boolean;
  /** The number of requests in flight that each tenant may have when all connections are in use. */
  guaranteed?: number;
  /** The maximum number of requests in flight per address without an API key. */
  unknown?: number;
}

/**
 * Shares the connections between tenants. Beyond the configured maximum, requests are answered only for tenants with
 * few requests in flight. Health checks are always answered.
 * @throws {ServiceError} `overloaded`
 */
export function shareConnections({ isSurplus, guaranteed = 16, unknown = 32 }: ConnectionLimits): RequestHandler {
  /** Requests in flight by owner (a tenant, or a network without a key). */
  const inFlight = new Map<string, number>();
  return (request, response, next) => {
    if (isProbe(request)) return next();
    const owner = ownerOf(request);
    const count = inFlight.get(owner) ?? 0;
    const isUnknown = principalOf(request) === undefined;
    const surplus = isSurplus(request);
    // Closes a surplus connection after its response, so that other clients can connect.
    if (surplus) response.setHeader('Connection', 'close');
    if (isUnknown && count >= unknown) {
      response.setHeader('Connection', 'close');
      const message = `Your address has ${count} requests in flight, the limit for requests without an API key; send a key or retry shortly`;
      throw new ServiceError('overloaded', message, { retryAfter: 5 });
    }
    if (surplus && (isUnknown || count >= guaranteed)) {
      throw new ServiceError('overloaded', 'All connections of the service are in use; retry shortly', {
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
