import type { Request } from 'express';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import type { Config } from '../../shared/config.ts';
import { principalOf } from './principal.ts';

/** The default for TENANT_QUEUED_ITEMS where keys are needed: items of a tenant's unfinished batches. */
const defaultItems = 10_000_000;

/** Returns the limits of a tenant's batches: those of its key, else the configured ones. */
export function createLimits(
  { tenantQueuedItems }: Pick<Config, 'tenantQueuedItems'>,
  keysRequired: boolean,
): (request: Request) => TenantLimits {
  const configured = tenantQueuedItems ?? (keysRequired ? defaultItems : 0);
  return (request) => {
    const principal = principalOf(request);
    return {
      queuedItems: principal?.limits?.queuedItems ?? configured,
      sharesMemory: keysRequired,
      weight: principal?.weight ?? 1,
    };
  };
}
