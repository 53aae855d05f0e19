import type { Request, RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { isProbe } from '../access/boundary.ts';

/** Refuses what comes on a connection beyond those there may be, and ends it; an orchestrator is told that we live. */
export function refuseSurplus(isSurplus: (request: Request) => boolean): RequestHandler {
  return (request, response, next) => {
    if (!isSurplus(request) || isProbe(request)) return next();
    response.setHeader('Connection', 'close');
    throw new ServiceError('overloaded', 'The service has as many connections open as it may have', { retryAfter: 5 });
  };
}
