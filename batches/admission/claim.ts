import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./claim.lua', import.meta.url));

/**
 * The keys of two Redis hashes. `amounts` has the amount that each batch claims. `sums` has the sum of each tenant and
 * the sum of all tenants.
 */
export type ClaimKeys = readonly [amounts: string, sums: string];

/**
 * A batch, the amount that it claims (items or bytes), and the limits for the sum of its tenant and the sum of all
 * tenants. A limit of 0 allows any sum.
 */
export interface Claim {
  id: string;
  tenant: string;
  amount: number;
  tenantLimit: number;
  totalLimit: number;
}

/**
 * The result of a claim. `ok`: the amount is counted. `tenant`: the claim is refused, since its tenant would exceed
 * `tenantLimit`. `total`: the claim is refused, since all tenants together would exceed `totalLimit`. `sum` is the sum
 * of all tenants after `total`, and otherwise the sum of the tenant. It does not include a refused amount.
 */
export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/** Sets the amount that a batch claims. The new amount replaces the earlier one. A refused claim changes nothing. */
export async function claim(redis: Redis, keys: ClaimKeys, batch: Claim): Promise<Claimed> {
  const { id, tenant, amount, tenantLimit, totalLimit } = batch;
  const reply = await script(redis, keys, [id, tenant, amount, tenantLimit, totalLimit]);
  const [verdict, sum] = (reply as Buffer[]).map(String);
  return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
}
