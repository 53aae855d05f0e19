import type { Request } from 'express';
import { everyTenant, type TenantScope } from '../../shared/redis/keys.ts';
import { everybody, principalOf } from './principal.ts';

/** Whom a request is made for. Every record carries it, also where no keys are needed and everybody is one tenant. */
export const tenantOf = (request: Request): string => principalOf(request)?.tenant ?? everybody.tenant;

/** Whose batches a request may reach by their ids: everybody's for operators. */
export const reachOf = (request: Request): TenantScope =>
  principalOf(request)?.role === 'operator' ? everyTenant : tenantOf(request);
