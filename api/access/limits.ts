import type { Request } from 'express';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import { principalOf } from './principal.ts';

/**
 * The items of a tenant's unfinished batches, where keys are required and the key sets no limit: a tenth of what all
 * tenants may have together. `vls keys add --queued-items` sets another.
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
