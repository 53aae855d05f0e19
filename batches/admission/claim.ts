import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./claim.lua', import.meta.url));

/** The hash of amounts by batch, and the hash of sums by tenant. */
export type ClaimKeys = readonly [amounts: string, sums: string];

/** A batch with the amount that it claims. A limit of 0 allows any amount. */
export interface Claim {
  id: string;
  tenant: string;
  amount: number;
  tenantLimit: number;
  totalLimit: number;
}

/**
 * The result of a claim. `tenant` and `total` name the limit that refused it.
 * `sum`: what the tenant claims with it, or, when it was refused, what the tenant or all tenants claim without it.
 */
export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/** Counts the amount of a batch, in place of its earlier amount. A refused claim changes nothing. */
export async function claim(redis: Redis, keys: ClaimKeys, batch: Claim): Promise<Claimed> {
  const { id, tenant, amount, tenantLimit, totalLimit } = batch;
  const reply = await script(redis, keys, [id, tenant, amount, tenantLimit, totalLimit]);
  const [verdict, sum] = (reply as Buffer[]).map(String);
  return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
}
