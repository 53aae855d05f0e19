import { ServiceError } from '../../shared/errors.ts';
import { queuedItems, queuedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claims, createClaims } from './claims.ts';

/**
 * Limits the items in unfinished batches, for each tenant and in total. A batch counts with all its items until it
 * ends.
 */
export interface QueuedItems {
  /**
   * Sets the number of items that a batch counts with, in place of its earlier number.
   * @param limit the maximum of its tenant; 0 allows any number.
   * @throws {ServiceError} `tenant.queue_full`, `overloaded`; `batch.too_many_items` for a batch that exceeds a limit
   * on its own.
   */
  claim(id: string, tenant: string, count: number, limit: number): Promise<void>;
  /** Stops counting a batch that has ended or was never sealed. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See {@link Claims.releaseAbsent}. */
  releaseAbsent(): Promise<void>;
}

/** The time in s after which a refused client should retry. Batches of this size take minutes. */
const retryAfter = 30;

/** @param total the maximum of all tenants together; 0 allows any number. */
export function createQueuedItems(redis: Redis, total: number): QueuedItems {
  const claims: Claims = createClaims(redis, [queuedItems(redis), queuedSums(redis)]);

  /** Refuses a batch that would exceed a limit even without other batches. */
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
          `${sum} items are in unfinished batches, and the service allows ${total}; retry when batches have ended`,
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
