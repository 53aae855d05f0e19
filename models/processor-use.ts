import { createRecentUse, type RecentUse } from '../shared/recent-use.ts';

/** Counts each tenant's recent processor time for decoding and inference in this process. Older use weighs less. */
export interface ProcessorUse {
  /** The use by interactive requests and batches together. */
  all: RecentUse;
  /**
   * Returns true when interactive requests of `requestsOf` must wait for batches of `batchesOf`: the requests recently
   * used more than half of the processor, and more than all work of `batchesOf`.
   */
  givesWay(requestsOf: string, batchesOf: string): boolean;
  /** @returns a function that ends the measurement; further calls have no effect. */
  begin(tenant: string, isInteractive: boolean): () => void;
  charge(tenant: string, isInteractive: boolean, milliseconds: number): void;
}

/** @param halfLifeMs the time in ms after which the weight of a use has halved. */
export function createProcessorUse(halfLifeMs = 10_000, now?: () => number): ProcessorUse {
  /** The counted use in ms of a tenant that constantly uses half of the processor. */
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
