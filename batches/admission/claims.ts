import { batchKeys, fileKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claim, type Claimed, type ClaimKeys, claim } from './claim.ts';
import { recountClaim } from './recount-claim.ts';
import { releaseClaim } from './release-claim.ts';

/**
 * Counts how much of a limited resource (items or bytes) each batch claims, and keeps the sums for each tenant and for
 * all tenants together.
 */
export interface Claims {
  /** Sets the number of items or bytes that a batch claims. The new number replaces the earlier one of the batch. */
  claim(batch: Claim): Promise<Claimed>;
  /**
   * Changes the number of items or bytes that a batch claims, without checking the limits. Does nothing when the batch
   * has no claim.
   */
  recount(id: string, amount: number): Promise<void>;
  /** Returns the sum of the claims of all tenants, in items or bytes. */
  all(): Promise<number>;
  /** Removes the claim of a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /**
   * Removes the claims of batches and uploaded files that no longer exist. Each call checks a few hundred claims, and
   * the next call continues with the following ones. A claim is left over when a process crashes after it has made the
   * claim and before it has checked that the batch still exists. Older releases have left some claims too. A claim
   * without a record can be removed safely: every batch gets its record before its first claim, and a deleted batch
   * never gets a record again.
   */
  releaseAbsent(): Promise<void>;
}

/** The approximate number of claims that one call of `releaseAbsent` checks. */
const checkedPerCall = 500;

export function createClaims(redis: Redis, keys: ClaimKeys): Claims {
  const [amounts, sums] = keys;
  let cursor = '0';

  return {
    claim: (batch) => claim(redis, keys, batch),
    recount: (id, amount) => recountClaim(redis, keys, id, amount),
    all: async () => Number((await redis.hget(sums, '')) ?? 0),
    release: (id) => releaseClaim(redis, keys, id),
    async releaseAbsent() {
      const [next, entries] = await redis.hscan(amounts, cursor, 'COUNT', checkedPerCall);
      cursor = next;
      const ids = entries.filter((_, at) => at % 2 === 0);
      const present = await Promise.all(
        ids.map((id) => redis.exists(batchKeys(redis, id).batch, fileKeys(redis, id).pieces)),
      );
      for (const [at, id] of ids.entries()) if (present[at] === 0) await releaseClaim(redis, keys, id);
    },
  };
}
