import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./reserve-key.lua', import.meta.url));

export interface KeyRequest {
  batchId: string;
  /** The lease in ms. After it another request may reserve the key. */
  leaseMs: number;
  /** Seconds after which Redis deletes the key. */
  lifetimeSeconds: number;
  /** A batch whose key may be taken, because its items never arrived completely; empty for none. */
  unsealedBatchId: string;
}

/**
 * `reserved`: for the new batch. `busy`: another request is still sending `batchId`. `exists`: `batchId` has the key,
 * and no request is sending it.
 */
export type KeyVerdict = { verdict: 'reserved' } | { verdict: 'busy' | 'exists'; batchId: string };

export async function reserveKey(redis: Redis, key: string, request: KeyRequest): Promise<KeyVerdict> {
  const { batchId, leaseMs, lifetimeSeconds, unsealedBatchId } = request;
  const reply = await script(redis, [key], [batchId, leaseMs, lifetimeSeconds, unsealedBatchId]);
  const [verdict, id = ''] = (reply as Buffer[]).map(String);
  return verdict === 'busy' || verdict === 'exists' ? { verdict, batchId: id } : { verdict: 'reserved' };
}
