import { batchKeys, fileKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claim, type Claimed, type ClaimKeys, claim } from './claim.ts';
import { recountClaim } from './recount-claim.ts';
import { releaseClaim } from './release-claim.ts';

/**
 * Counts how much of a limited resource (items or bytes) each batch claims, with the sum of each tenant and the sum of
 * all tenants.
 */
export interface Claims {
  /** Sets the amount that a batch claims. It replaces the earlier amount of the batch. */
  claim(batch: Claim): Promise<Claimed>;
  /** Changes the amount that a batch claims, without checking the limits. Does nothing when the batch has no claim. */
  recount(id: string, amount: number): Promise<void>;
  /** Returns the sum of the amounts of all tenants. */
  all(): Promise<number>;
  /** Removes the claim of a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /**
   * Removes claims of batches and uploaded files that no longer exist. A call checks a few hundred claims, and the next
   * call continues from there. Such a claim remains when a process crashes between making a claim and checking that the
   * batch was not deleted meanwhile; older releases left some too. Removing a claim without a record is safe: every
   * batch has a record before it claims anything, and a deleted batch never gets a record again.
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
