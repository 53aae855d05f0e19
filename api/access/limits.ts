import type { Request } from 'express';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import { principalOf } from './principal.ts';

/**
 * Default maximum of items in a tenant's unfinished batches when keys are required: a tenth of the maximum of all
 * tenants. `vls keys add --queued-items` changes it for a key.
 */
const defaultItems = 10_000_000;

/** Returns the limits of a tenant's batches: those of its key, else the defaults. Without keys there is no limit. */
export function createLimits(keysRequired: boolean): (request: Request) => TenantLimits {
  const defaultLimit = keysRequired ? defaultItems : 0;
  return (request) => {
    const principal = principalOf(request);
    return {
      queuedItems: principal?.limits?.queuedItems ?? defaultLimit,
      sharesMemory: keysRequired,
      weight: principal?.weight ?? 1,
    };
  };
}
