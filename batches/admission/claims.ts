import { batchKeys, fileKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claim, type Claimed, type ClaimKeys, claim } from './claim.ts';
import { recountClaim } from './recount-claim.ts';
import { releaseClaim } from './release-claim.ts';

/** Counts the items or bytes that each batch claims, and keeps the sums of each tenant and of all tenants. */
export interface Claims {
  claim(batch: Claim): Promise<Claimed>;
  /** Changes the claim of a batch without checking the limits. Does nothing when the batch has no claim. */
  recount(id: string, amount: number): Promise<void>;
  /** Returns the sum over all tenants, in items or bytes. */
  all(): Promise<number>;
  /** Removes the claim of a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /**
   * Removes the claims of batches and files that no longer exist, a few hundred per call. A process that crashes just
   * after its claim leaves them. A record precedes the first claim, so none of a new batch is removed.
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
