import { createRecentUse, type RecentUse } from '../shared/recent-use.ts';

/** The time for which tenants have used the processor of this process: decoding and runs together. */
export interface ProcessorUse {
  /** By requests and batches. */
  all: RecentUse;
  /**
   * Returns true when requests of one tenant give way to batches of another: when the requests alone have used more than
   * half of the processor recently, and more than the other tenant has used in all. The batches of a tenant do not count
   * against its requests, and a tenant that has just come does not make moderate requests late.
   */
  givesWay(requestsOf: string, batchesOf: string): boolean;
  /** Begins a use. @returns ends it; a second call does nothing. */
  begin(tenant: string, isInteractive: boolean): () => void;
  /** Adds a use of known length, in milliseconds. */
  charge(tenant: string, isInteractive: boolean, milliseconds: number): void;
}

/** @param halfLifeMs after this time a use counts half. */
export function createProcessorUse(halfLifeMs = 10_000, now?: () => number): ProcessorUse {
  /** What half of a processor sums up to, in milliseconds. */
  const moderateMs = halfLifeMs / Math.LN2 / 2;
  const all = createRecentUse(halfLifeMs, now);
  const interactive = createRecentUse(halfLifeMs, now);
  return {
    all,
    givesWay(requestsOf, batchesOf) {
      const used = interactive.of(requestsOf);
      return used > moderateMs && used > all.of(batchesOf);
    },
    begin(tenant, isInteractive) {
      const ends = [all.begin(tenant)];
      if (isInteractive) ends.push(interactive.begin(tenant));
      return () => {
        for (const end of ends) end();
      };
    },
    charge(tenant, isInteractive, milliseconds) {
      all.charge(tenant, milliseconds);
      if (isInteractive) interactive.charge(tenant, milliseconds);
    },
  };
}
