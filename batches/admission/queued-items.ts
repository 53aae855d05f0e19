import { ServiceError } from '../../shared/errors.ts';
import { queuedItems, queuedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claims, createClaims } from './claims.ts';

/**
 * Limits the items in unfinished batches, per tenant and in total. Items that have a result count until the batch ends.
 */
export interface QueuedItems {
  /**
   * Replaces the number of items that a batch counts towards the limits.
   * @param limit the maximum of the tenant; 0 allows any number.
   * @throws {ServiceError} `tenant.queue_full` when the tenant would exceed its limit; `overloaded` when all tenants
   * together would exceed the total; `batch.too_many_items` when the batch alone exceeds a limit.
   */
  claim(id: string, tenant: string, count: number, limit: number): Promise<void>;
  /** Stops counting the items of a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See {@link Claims.releaseAbsent}. */
  releaseAbsent(): Promise<void>;
}

/** Seconds until a refused client should retry. The batches in a full queue take minutes. */
const retryAfter = 30;

/** @param total the maximum number of items in unfinished batches of all tenants; 0 allows any number. */
export function createQueuedItems(redis: Redis, total: number): QueuedItems {
  const claims: Claims = createClaims(redis, [queuedItems(redis), queuedSums(redis)]);

  /** Throws when the batch alone exceeds a limit. */
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
