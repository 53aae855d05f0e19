import { createRecentUse, type RecentUse } from '../shared/recent-use.ts';

/** Recent processor time of each tenant in this process: decoding and runs. */
export interface ProcessorUse {
  /** Requests and batches together. */
  all: RecentUse;
  /**
   * Returns true when requests of one tenant yield to batches of another: when the requests alone have recently used
   * more than half of the processor, and more than the other tenant in total. The requester's own batches do not count,
   * and a new tenant does not delay moderate requests.
   */
  givesWay(requestsOf: string, batchesOf: string): boolean;
  /** Starts to measure a use. @returns ends it; further calls do nothing. */
  begin(tenant: string, isInteractive: boolean): () => void;
  /** Adds a use of known duration (ms). */
  charge(tenant: string, isInteractive: boolean, milliseconds: number): void;
}

/** @param halfLifeMs after this time a use counts half. */
export function createProcessorUse(halfLifeMs = 10_000, now?: () => number): ProcessorUse {
  /** The sum for half of a processor (ms). */
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
