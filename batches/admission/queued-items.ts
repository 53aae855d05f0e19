import { ServiceError } from '../../shared/errors.ts';
import { queuedItems, queuedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claims, createClaims } from './claims.ts';

/**
 * Limits the number of items in unfinished batches, for each tenant and for all tenants together. All items of a batch
 * count until the batch ends, including those that already have a result.
 */
export interface QueuedItems {
  /**
   * Sets how many items of a batch count towards the limits. The new number replaces the earlier one of the batch.
   * @param limit the maximum number of items in all unfinished batches of the tenant; 0 allows any number.
   * @throws {ServiceError} `tenant.queue_full` when the tenant would exceed its limit; `overloaded` when all tenants
   * together would exceed the total limit; `batch.too_many_items` when the batch alone exceeds one of these limits.
   */
  claim(id: string, tenant: string, count: number, limit: number): Promise<void>;
  /**
   * Stops counting the items of a batch. It is called when the batch has ended, or when its items were never received
   * completely. Safe to repeat.
   */
  release(id: string): Promise<void>;
  /** See {@link Claims.releaseAbsent}. */
  releaseAbsent(): Promise<void>;
}

/**
 * The time in s after which a refused client should retry. It is short compared with the minutes that the batches in a
 * full queue take.
 */
const retryAfter = 30;

/** @param total the maximum number of items in unfinished batches of all tenants together; 0 allows any number. */
export function createQueuedItems(redis: Redis, total: number): QueuedItems {
  const claims: Claims = createClaims(redis, [queuedItems(redis), queuedSums(redis)]);

  /** Throws when this batch would exceed a limit even if there were no other batches. */
  function refuseTooLarge(tenant: string, count: number, limit: number): void {
    const refuse = (owner: string, most: number) =>
      new ServiceError(
        'batch.too_many_items',
        `The batch has more than ${most} items, the limit of ${owner} for unfinished batches; post it in parts`,
      );
    if (limit > 0 && count > limit) throw refuse(tenant, limit);
    if (total > 0 && count > total) throw refuse('the service', total);
  }

  return {
    async claim(id, tenant, count, limit) {
      refuseTooLarge(tenant, count, limit);
      const { verdict, sum } = await claims.claim({
        id,
        tenant,
        amount: count,
        tenantLimit: limit,
        totalLimit: total,
      });
      if (verdict === 'tenant') {
        const message = `${tenant} has ${sum} items in unfinished batches; with this batch it would exceed its limit of ${limit}`;
        throw new ServiceError('tenant.queue_full', message, { retryAfter });
      }
      if (verdict === 'total') {
        throw new ServiceError(
          'overloaded',
          `${sum} items are in unfinished batches, and the service allows at most ${total}; retry when batches have ended`,
          {
            retryAfter,
          },
        );
      }
    },
    release: claims.release,
    releaseAbsent: claims.releaseAbsent,
  };
}
