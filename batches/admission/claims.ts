import { batchKeys, fileKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claim, type Claimed, type ClaimKeys, claim } from './claim.ts';
import { recountClaim } from './recount-claim.ts';
import { releaseClaim } from './release-claim.ts';

/** Counts the items or bytes that each batch claims, and keeps the sums of each tenant and of all tenants. */
export interface Claims {
  /** Replaces the number of items or bytes that a batch claims. */
  claim(batch: Claim): Promise<Claimed>;
  /** Changes the claim of a batch without checking the limits. Does nothing when the batch has no claim. */
  recount(id: string, amount: number): Promise<void>;
  /** Returns the sum over all tenants, in items or bytes. */
  all(): Promise<number>;
  /** Removes the claim of a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /**
   * Removes the claims of batches and uploaded files that no longer exist, a few hundred claims per call. A process
   * that crashes between its claim and its next check leaves such a claim. Removal is safe: a record always precedes
   * the first claim, and a deleted batch gets no new record.
   */
  releaseAbsent(): Promise<void>;
}

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
