import type { Request } from 'express';
import { everyTenant, type TenantScope } from '../../shared/redis/keys.ts';
import { everybody, principalOf } from './principal.ts';

/** Returns the tenant of a request. Where no keys are needed, everybody is the same tenant. */
export const tenantOf = (request: Request): string => principalOf(request)?.tenant ?? everybody.tenant;

/** Returns the tenant whose batches a request may access; operators may access those of every tenant. */
export const scopeOf = (request: Request): TenantScope =>
  principalOf(request)?.role === 'operator' ? everyTenant : tenantOf(request);
