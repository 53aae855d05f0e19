import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { Reach } from '../batches/batches.ts';
import { everyTenant } from '../batches/keys.ts';
import { type RequestFault, ServiceError } from '../shared/errors.ts';
import { everybody, principalOf } from './access/principal.ts';

/** One call of the contract: how it is reached, how it is documented, what answers it. */
export interface Route {
  method: 'get' | 'post' | 'delete';
  /** Below the service's prefix, in OpenAPI's spelling (`/batch/{id}`). */
  path: string;
  /** Whom it answers: whoever has a key unless said otherwise. */
  access?: 'public' | 'operator';
  operation: ZodOpenApiOperationObject;
  handlers: RequestHandler[];
}

/**
 * Checks a part of a request against its contract.
 * @throws {ServiceError} `request.invalid` with every fault and its place.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, where);
}

export function invalid(error: z.ZodError, where: string): ServiceError {
  const faults = error.issues.slice(0, 100).flatMap((issue) => faultsOf(issue, where));
  const detail = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new ServiceError('request.invalid', detail.slice(0, 1_000), { faults });
}

/** A union that matches nothing says so for each of its members; the place is what helps. */
function faultsOf(issue: z.core.$ZodIssue, where: string): RequestFault[] {
  const path = z.core.toDotPath(issue.path) || where;
  return [{ path, message: issue.message }];
}

/** Aborted when the client goes away before its answer. */
export function clientGone(response: Response): AbortSignal {
  const controller = new AbortController();
  const onClose = () => {
    if (!response.writableFinished) controller.abort(new ServiceError('request.aborted', 'The client went away'));
  };
  if (response.closed) onClose();
  else response.on('close', onClose);
  return controller.signal;
}

/** Whom a request is made for. Every record carries it, also where no keys are needed and everybody is one tenant. */
export const tenantOf = (request: Request): string => principalOf(request)?.tenant ?? everybody.tenant;

/** Whose batches a request may reach by their ids: everybody's for operators. */
export const reachOf = (request: Request): Reach =>
  principalOf(request)?.role === 'operator' ? everyTenant : tenantOf(request);
