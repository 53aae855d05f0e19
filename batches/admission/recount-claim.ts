import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';
import type { ClaimKeys } from './claim.ts';

const script = loadScript(new URL('./recount-claim.lua', import.meta.url));

export async function recountClaim(redis: Redis, keys: ClaimKeys, id: string, amount: number): Promise<void> {
  await script(redis, keys, [id, amount]);
}
