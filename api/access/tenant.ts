import type { Request } from 'express';
import type { Reach } from '../../batches/batches.ts';
import { everyTenant } from '../../batches/keys.ts';
import { everybody, principalOf } from './principal.ts';

/** Whom a request is made for. Every record carries it, also where no keys are needed and everybody is one tenant. */
export const tenantOf = (request: Request): string => principalOf(request)?.tenant ?? everybody.tenant;

/** Whose batches a request may reach by their ids: everybody's for operators. */
export const reachOf = (request: Request): Reach =>
  principalOf(request)?.role === 'operator' ? everyTenant : tenantOf(request);
