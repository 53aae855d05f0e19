import type { Request, RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { isProbe } from '../access/boundary.ts';
import { ownerOf } from '../access/owner.ts';
import { principalOf } from '../access/principal.ts';

export interface ConnectionLimits {
  /** Returns true for a request on a connection beyond the configured maximum. */
  isSurplus: (request: Request) => boolean;
  /** The number of requests that each tenant may have in flight even when all connections are in use. */
  guaranteed?: number;
  /** The maximum number of requests in flight that one address may have without an API key. */
  unknown?: number;
}

/**
 * Shares the connections between tenants. A tenant without competition may use all of them. Connections beyond the
 * configured maximum are surplus. A request on a surplus connection is answered only if its tenant has few requests in
 * flight, and the connection is then closed. The health checks of an orchestrator are always answered.
 * @throws {ServiceError} `overloaded`
 */
export function shareConnections({ isSurplus, guaranteed = 16, unknown = 32 }: ConnectionLimits): RequestHandler {
  /** The number of requests in flight, by owner (a tenant, or a network without a key). */
  const inFlight = new Map<string, number>();
  return (request, response, next) => {
    if (isProbe(request)) return next();
    const owner = ownerOf(request);
    const count = inFlight.get(owner) ?? 0;
    const isUnknown = principalOf(request) === undefined;
    const surplus = isSurplus(request);
    // A surplus connection (one beyond the configured maximum) is closed after its response, so that other clients can
    // connect.
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
