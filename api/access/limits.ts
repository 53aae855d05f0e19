import type { Request } from 'express';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import { principalOf } from './principal.ts';

/**
 * The default maximum number of items in all unfinished batches of a tenant. It applies when API keys are required, and
 * is a tenth of the limit for all tenants together. `vls keys add --queued-items` sets another value for a key.
 */
const defaultItems = 10_000_000;

/**
 * Returns a function that returns the batch limits of the tenant of a request: those of its API key, or the defaults.
 * Without API keys there is no limit.
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
