import { ServiceError } from '../../shared/errors.ts';
import { queuedItems, queuedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claims, createClaims } from './claims.ts';

/** Limits the items of unfinished batches, for each tenant and in total. A batch counts with all its items until it ends. */
export interface QueuedItems {
  /**
   * Counts the items of a batch, in place of its earlier count.
   * @param limit largest number of its tenant; 0: any number.
   * @throws {ServiceError} `tenant.queue_full`, `overloaded`; `batch.too_many_items` for a batch that exceeds a limit alone.
   */
  claim(id: string, tenant: string, count: number, limit: number): Promise<void>;
  /** Removes a batch that has ended, or was never sealed. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See {@link Claims.releaseAbsent}. */
  releaseAbsent(): Promise<void>;
}

/** Time before a refused client retries, in seconds: batches of this size take minutes. */
const retryAfter = 30;

/** @param total largest number of all tenants together; 0: any number. */
export function createQueuedItems(redis: Redis, total: number): QueuedItems {
  const claims: Claims = createClaims(redis, [queuedItems(redis), queuedSums(redis)]);

  /** Refuses a batch that exceeds a limit alone. */
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
        throw new ServiceError('overloaded', `${sum} items are waiting, and the limit of the service is ${total}`, {
          retryAfter,
        });
      }
    },
    release: claims.release,
    releaseAbsent: claims.releaseAbsent,
  };
}
