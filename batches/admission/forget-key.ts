import { idempotencyKey } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { holdKey } from './hold-key.ts';

/** Removes the idempotency key of a batch, unless a newer batch uses it. Safe to repeat. */
export async function forgetKey(redis: Redis, tenant: string, keyHash: string, batchId: string): Promise<void> {
  await holdKey(redis, idempotencyKey(redis, tenant, keyHash), batchId, 'remove');
}
