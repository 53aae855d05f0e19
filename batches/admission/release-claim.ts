import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';
import type { ClaimKeys } from './claim.ts';

const script = loadScript(new URL('./release-claim.lua', import.meta.url));

/**
 * Removes the claim of a batch, and subtracts its items or bytes from the sum of its tenant and from the sum of all
 * tenants. Safe to repeat.
 */
export async function releaseClaim(redis: Redis, keys: ClaimKeys, id: string): Promise<void> {
  await script(redis, keys, [id]);
}
