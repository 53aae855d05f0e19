import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { runScript } from '../store/scripts.ts';

/** Amounts that batches hold of something bounded, summed by tenant and for all. One batch has one amount. */
export interface Claims {
  /**
   * Counts a batch with this amount, instead of the amount before.
   * @param limit of its tenant, and `total` of all tenants; 0: any amount.
   * @returns which limit forbids it, and what the tenant or all hold then.
   */
  claim(id: string, tenant: string, amount: number, limit: number, total: number): Promise<Claimed>;
  /** The amount of all tenants. */
  all(): Promise<number>;
  /** Counts a batch no longer. Safe to repeat. */
  release(id: string): Promise<void>;
  /**
   * Releases batches that no longer exist, some hundred in a call; further calls continue. A process that ends between
   * a claim and the look whether its batch was deleted meanwhile leaves such a claim, and an older release leaves all
   * that it deletes. A batch has its record before its first claim, and never again once the record is gone.
   */
  releaseAbsent(): Promise<void>;
}

export interface Claimed {
  verdict: 'ok' | 'tenant' | 'total';
  sum: number;
}

/** Claims that one call of `releaseAbsent` looks at, about. */
const lookedAt = 500;

/** @param keys the hash of the batches, and the hash of the sums; see lua/claim.lua. */
export function createClaims(redis: Redis, keys: readonly [batches: string, sums: string]): Claims {
  const [batches, sums] = keys;
  let cursor = '0';

  async function release(id: string): Promise<void> {
    await runScript(redis, 'unclaim', [...keys], [id]);
  }

  return {
    async claim(id, tenant, amount, limit, total) {
      const reply = (await runScript(redis, 'claim', [...keys], [id, tenant, amount, limit, total])) as Buffer[];
      const [verdict, sum] = reply.map(String);
      return { verdict: verdict as Claimed['verdict'], sum: Number(sum) };
    },
    all: async () => Number((await redis.hget(sums, '')) ?? 0),
    release,
    async releaseAbsent() {
      const [next, entries] = await redis.hscan(batches, cursor, 'COUNT', lookedAt);
      cursor = next;
      const ids = entries.filter((_, at) => at % 2 === 0);
      const present = await Promise.all(ids.map((id) => redis.exists(batchKeys(redis, id).batch)));
      for (const [at, id] of ids.entries()) if (present[at] === 0) await release(id);
    },
  };
}
