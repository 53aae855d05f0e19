import type { Request } from 'express';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import { principalOf } from './principal.ts';

/**
 * The default maximum number of unfinished items per tenant when API keys are required: a tenth of the limit for all
 * tenants together. `vls keys add --queued-items` sets another.
 */
const defaultItems = 10_000_000;

/**
 * Returns a function that reads the batch limits of a tenant from its request. Without API keys, `queuedItems` is 0 (no
 * limit).
 */
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
