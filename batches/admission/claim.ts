import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./claim.lua', import.meta.url));

/**
 * The keys of two Redis hashes. `amounts` maps each batch to the number of items or bytes that it claims. `sums` maps
 * each tenant to the sum over its batches, and the empty name to the sum over all tenants.
 */
export type ClaimKeys = readonly [amounts: string, sums: string];

/**
 * A batch with the number of items or bytes that it claims. `tenantLimit` limits the sum over all batches of its
 * tenant, and `totalLimit` the sum over all tenants. A limit of 0 allows any sum.
 */
export interface Claim {
  id: string;
  tenant: string;
  amount: number;
  tenantLimit: number;
  totalLimit: number;
}

/**
 * The result of a claim of items or bytes. `ok`: the claim is counted. `tenant`: refused, because the sum of the tenant
 * would exceed `tenantLimit`. `total`: refused, because the sum of all tenants would exceed `totalLimit`. After
 * `total`, `sum` is the sum of all tenants; otherwise it is the sum of the tenant. A refused claim is not included in
 * `sum`.
 */
export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/**
 * Sets the number of items or bytes that a batch claims. The new number replaces the earlier one of the batch. A
 * refused claim changes nothing.
 */
export async function claim(redis: Redis, keys: ClaimKeys, batch: Claim): Promise<Claimed> {
  const { id, tenant, amount, tenantLimit, totalLimit } = batch;
  const reply = await script(redis, keys, [id, tenant, amount, tenantLimit, totalLimit]);
  const [verdict, sum] = (reply as Buffer[]).map(String);
  return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
}
