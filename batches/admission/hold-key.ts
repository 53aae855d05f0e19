import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./hold-key.lua', import.meta.url));

/** A change to the reservation of an idempotency key. `leaseMs` renews its lease, and `release` ends it. */
export type KeyChange = { leaseMs: number } | 'release' | 'remove';

/**
 * Changes the reservation of an idempotency key.
 * @returns false when the reservation no longer exists or belongs to another batch.
 */
export async function holdKey(redis: Redis, key: string, batchId: string, change: KeyChange): Promise<boolean> {
  const lease = change === 'release' ? 0 : change === 'remove' ? -1 : change.leaseMs;
  return (await script(redis, [key], [batchId, lease])) === 1;
}
