import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./claim.lua', import.meta.url));

/** The Redis keys of a claim: a hash with the amount of each batch, and a hash with the sum of each tenant. */
export type ClaimKeys = readonly [amounts: string, sums: string];

/**
 * A batch, the amount that it claims (items or bytes), and the limits for the amount. A limit of 0 allows any amount.
 */
export interface Claim {
  id: string;
  tenant: string;
  amount: number;
  tenantLimit: number;
  totalLimit: number;
}

/**
 * The result of a claim. `ok`: the amount is counted. `tenant` or `total`: this limit refused the claim.
 * `sum` is the sum of the tenant, or after `total` the sum of all tenants. It includes the amount only when that is
 * counted.
 */
export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/** Sets the amount that a batch claims, in place of its earlier amount. A refused claim changes nothing. */
export async function claim(redis: Redis, keys: ClaimKeys, batch: Claim): Promise<Claimed> {
  const { id, tenant, amount, tenantLimit, totalLimit } = batch;
  const reply = await script(redis, keys, [id, tenant, amount, tenantLimit, totalLimit]);
  const [verdict, sum] = (reply as Buffer[]).map(String);
  return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
}
