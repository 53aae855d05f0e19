import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./claim.lua', import.meta.url));

/** Two Redis hashes: the amount of each batch, and the sum of each tenant (empty name: all tenants). */
export type ClaimKeys = readonly [amounts: string, sums: string];

/** The items or bytes that a batch claims. A limit of 0 allows any sum. */
export interface Claim {
  id: string;
  tenant: string;
  amount: number;
  tenantLimit: number;
  totalLimit: number;
}

/** With `total`, `sum` is the sum of all tenants, otherwise that of the tenant. It excludes a refused claim. */
export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/** Replaces the number of items or bytes that a batch claims. A refused claim changes nothing. */
export async function claim(redis: Redis, keys: ClaimKeys, batch: Claim): Promise<Claimed> {
  const { id, tenant, amount, tenantLimit, totalLimit } = batch;
  const reply = await script(redis, keys, [id, tenant, amount, tenantLimit, totalLimit]);
  const [verdict, sum] = (reply as Buffer[]).map(String);
  return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
}
