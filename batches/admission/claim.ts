import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./claim.lua', import.meta.url));

/**
 * The keys of two Redis hashes. `amounts` maps each batch to the amount that it claims. `sums` maps each tenant to its
 * sum, and has the sum of all tenants.
 */
export type ClaimKeys = readonly [amounts: string, sums: string];

/**
 * A batch with the amount that it claims (items or bytes), and the limits for two sums: that of its tenant and that of
 * all tenants. A limit of 0 allows any sum.
 */
export interface Claim {
  id: string;
  tenant: string;
  amount: number;
  tenantLimit: number;
  totalLimit: number;
}

/**
 * The result of a claim. `ok`: the amount is counted. `tenant`: refused, because the sum of the tenant would exceed
 * `tenantLimit`. `total`: refused, because the sum of all tenants would exceed `totalLimit`. `sum` is the sum of all
 * tenants after `total`, and otherwise the sum of the tenant. A refused amount is not included.
 */
export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/**
 * Sets the amount that a batch claims. It replaces the earlier amount of the batch. A refused claim changes nothing.
 */
export async function claim(redis: Redis, keys: ClaimKeys, batch: Claim): Promise<Claimed> {
  const { id, tenant, amount, tenantLimit, totalLimit } = batch;
  const reply = await script(redis, keys, [id, tenant, amount, tenantLimit, totalLimit]);
  const [verdict, sum] = (reply as Buffer[]).map(String);
  return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
}
