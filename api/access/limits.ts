import type { Request } from 'express';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import type { Config } from '../../shared/config.ts';
import { principalOf } from './principal.ts';

/** Items of unfinished batches of a tenant, where keys are needed and nothing else is said. */
const defaultItems = 10_000_000;

/** What a tenant's batches may take: as its key says, else as configured. */
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
