import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { Reach } from '../batches/batches.ts';
import { everyTenant } from '../batches/keys.ts';
import { maxTexts } from '../shared/contracts/single.ts';
import { maxFaults, type RequestFault, ServiceError } from '../shared/errors.ts';
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
 * @throws {ServiceError} `request.invalid` with the first faults and their places.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  checkLists(value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, where);
}

/**
 * A list that is longer than its contract allows is refused before its entries are checked: sixteen million numbers in
 * place of texts would be sixteen million faults, and more memory than there is. `items` may be longer and has its own
 * check.
 */
function checkLists(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [path, list] of Object.entries(value)) {
    if (path === 'items' || !Array.isArray(list) || list.length <= maxTexts) continue;
    const message = `a list of ${list.length} entries, more than ${maxTexts}`;
    throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
  }
}

export function invalid(error: z.ZodError, where: string): ServiceError {
  const { issues } = error;
  // A union that matches nothing says so for each of its members; the place is what helps.
  const faults = issues
    .slice(0, maxFaults)
    .map(({ path, message }): RequestFault => ({ path: z.core.toDotPath(path) || where, message }));
  const told = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const more = issues.length - faults.length;
  return new ServiceError('request.invalid', more > 0 ? `${more + faults.length} faults: ${told}` : told, { faults });
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
