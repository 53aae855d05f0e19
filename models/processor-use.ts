import { createRecentUse, type RecentUse } from '../shared/recent-use.ts';

/** Counts the recent processor time of each tenant in this process, for decoding and runs. */
export interface ProcessorUse {
  /** The use by interactive requests and batches together. */
  all: RecentUse;
  /**
   * Returns true when interactive requests of one tenant wait for batches of another: the requests have recently used
   * more than half of the processor, and more than the other tenant in total. The batches of the requesting tenant do
   * not count, and a new tenant does not delay moderate requests.
   */
  givesWay(requestsOf: string, batchesOf: string): boolean;
  /** Starts to measure a use. @returns a function that ends it; further calls do nothing. */
  begin(tenant: string, isInteractive: boolean): () => void;
  /** Adds a use of a known duration in ms. */
  charge(tenant: string, isInteractive: boolean, milliseconds: number): void;
}

/** @param halfLifeMs the time in ms after which a use counts half. */
export function createProcessorUse(halfLifeMs = 10_000, now?: () => number): ProcessorUse {
  /** The use in ms that stands for half of the processor. */
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
