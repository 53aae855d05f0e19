import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';
import type { ClaimKeys } from './claim.ts';

const script = loadScript(new URL('./release-claim.lua', import.meta.url));

export async function releaseClaim(redis: Redis, keys: ClaimKeys, id: string): Promise<void> {
  await script(redis, keys, [id]);
}
