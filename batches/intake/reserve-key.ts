import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./reserve-key.lua', import.meta.url));

/** A batch that is about to be received under an idempotency key. */
export interface KeyRequest {
  /** Id of the new batch. */
  batchId: string;
  /** Time after which another request may take the key, unless the lease is renewed. */
  leaseMs: number;
  /** Time after which Redis forgets the key. */
  lifetimeSeconds: number;
  /** Id of a batch that the key led to and that was never sealed; '' when none is known. */
  unsealedBatchId: string;
}

/**
 * The result. `reserved`: the caller receives the batch. `busy`: another request is receiving that batch.
 * `exists`: the key led to that batch.
 */
export type KeyVerdict = { verdict: 'reserved' } | { verdict: 'busy' | 'exists'; batchId: string };

/** Reserves an idempotency key for a batch. */
export async function reserveKey(redis: Redis, key: string, request: KeyRequest): Promise<KeyVerdict> {
  const { batchId, leaseMs, lifetimeSeconds, unsealedBatchId } = request;
  const reply = await script(redis, [key], [batchId, leaseMs, lifetimeSeconds, unsealedBatchId]);
  const [verdict, id = ''] = (reply as Buffer[]).map(String);
  return verdict === 'busy' || verdict === 'exists' ? { verdict, batchId: id } : { verdict: 'reserved' };
}
