import { batchKeys, fileKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { type Claim, type Claimed, type ClaimKeys, claim } from './claim.ts';
import { recountClaim } from './recount-claim.ts';
import { releaseClaim } from './release-claim.ts';

/** Amounts of something bounded that batches claim, summed for each tenant and for all. A batch has one amount. */
export interface Claims {
  /** Counts the amount of a batch, in place of its earlier amount. */
  claim(batch: Claim): Promise<Claimed>;
  /** Replaces the amount of a batch, if it is counted. No limit applies. */
  recount(id: string, amount: number): Promise<void>;
  /** Returns the sum of all tenants. */
  all(): Promise<number>;
  /** Removes the amount of a batch. Safe to repeat. */
  release(id: string): Promise<void>;
  /**
   * Releases claims of batches that no longer exist, a few hundred per call; further calls continue. Such claims remain
   * when a process dies between a claim and its check for a deletion, or from an older release, which never released
   * them. A batch has a record before its first claim, and never again after its deletion. Uploaded files have claims
   * too.
   */
  releaseAbsent(): Promise<void>;
}

/** Claims that one call of `releaseAbsent` checks, approximately. */
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
