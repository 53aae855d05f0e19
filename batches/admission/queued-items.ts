import { ServiceError } from '../../shared/errors.ts';
import { queuedItems, queuedSums } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claims, createClaims } from './claims.ts';

/** Items of unfinished batches, by tenant: what bounds how much may wait. A batch counts whole until it has ended. */
export interface QueuedItems {
  /**
   * Counts a batch with so many items, instead of what it was counted with before.
   * @param limit what its tenant may have; 0: any number.
   * @throws {ServiceError} `tenant.queue_full`, `overloaded`; `batch.too_many_items` for one that could never be taken.
   */
  claim(id: string, tenant: string, count: number, limit: number): Promise<void>;
  /** The batch has ended, or has come to nothing. Safe to repeat. */
  release(id: string): Promise<void>;
  /** See {@link Claims.releaseAbsent}. */
  releaseAbsent(): Promise<void>;
}

/** How long a refused sender should wait: batches of this size take minutes, in seconds. */
const retryAfter = 30;

/** @param total what all tenants may have together; 0: any number. */
export function createQueuedItems(redis: Redis, total: number): QueuedItems {
  const claims: Claims = createClaims(redis, [queuedItems(redis), queuedSums(redis)]);

  /** A batch that alone is more than its tenant, or all together, may have waiting is refused for good. */
  function refuseTooLarge(tenant: string, count: number, limit: number): void {
    const refuse = (owner: string, most: number) =>
      new ServiceError(
        'batch.too_many_items',
        `The batch has more than ${most} items, which is all that ${owner} may have in unfinished batches; post it in parts`,
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
        const message = `${tenant} has ${sum} items in unfinished batches, and may have ${limit} with these`;
        throw new ServiceError('tenant.queue_full', message, { retryAfter });
      }
      if (verdict === 'total') {
        throw new ServiceError('overloaded', `${sum} items wait already; the service takes ${total}`, { retryAfter });
      }
    },
    release: claims.release,
    releaseAbsent: claims.releaseAbsent,
  };
}
