import type { Request } from 'express';
import { everyTenant, type TenantScope } from '../../shared/redis/keys.ts';
import { everybody, principalOf } from './principal.ts';

/** Returns the tenant of a request: `default` when the service needs no keys. */
export const tenantOf = (request: Request): string => principalOf(request)?.tenant ?? everybody.tenant;

/** Returns the tenants whose batches the caller may access: its own, or all for an operator. */
export const scopeOf = (request: Request): TenantScope =>
  principalOf(request)?.role === 'operator' ? everyTenant : tenantOf(request);
