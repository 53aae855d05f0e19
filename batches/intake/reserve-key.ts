import { loadScript } from '../../shared/lua.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./reserve-key.lua', import.meta.url));

/** A request for a new batch with an idempotency key. */
export interface KeyRequest {
  /** Id of the new batch. */
  batchId: string;
  /**
   * The length of the lease in ms. When the lease has expired without a renewal, another request may reserve the key.
   */
  leaseMs: number;
  /** The lifetime of the key in s. Afterwards Redis deletes it. */
  lifetimeSeconds: number;
  /**
   * The id of a batch that has the key although its items were never received completely; empty if there is no such
   * batch. The new reservation replaces that of this batch.
   */
  unsealedBatchId: string;
}

/**
 * The result of a reservation. `reserved`: the key is now reserved for the new batch. `busy`: another request with this
 * key is still sending the items of the batch `batchId`. `exists`: the key belongs to the batch `batchId`, and no
 * request is sending its items.
 */
export type KeyVerdict = { verdict: 'reserved' } | { verdict: 'busy' | 'exists'; batchId: string };

/** Reserves an idempotency key for a batch. */
export async function reserveKey(redis: Redis, key: string, request: KeyRequest): Promise<KeyVerdict> {
  const { batchId, leaseMs, lifetimeSeconds, unsealedBatchId } = request;
  const reply = await script(redis, [key], [batchId, leaseMs, lifetimeSeconds, unsealedBatchId]);
  const [verdict, id = ''] = (reply as Buffer[]).map(String);
  return verdict === 'busy' || verdict === 'exists' ? { verdict, batchId: id } : { verdict: 'reserved' };
}
