import { createRecentUse, type RecentUse } from '../shared/recent-use.ts';

/** The time for which tenants have used the processor of this process: decoding and runs together. */
export interface ProcessorUse {
  /** By requests and batches. */
  all: RecentUse;
  /**
   * By requests alone. Requests give way to the batches of a tenant with less use, and are measured by this: the batches
   * of a tenant must not make its own requests late.
   */
  interactive: RecentUse;
  /** Begins a use. @returns ends it; a second call does nothing. */
  begin(tenant: string, isInteractive: boolean): () => void;
  /** Adds a use of known length, in milliseconds. */
  charge(tenant: string, isInteractive: boolean, milliseconds: number): void;
}

/** @param halfLifeMs after this time a use counts half. */
export function createProcessorUse(halfLifeMs?: number, now?: () => number): ProcessorUse {
  const all = createRecentUse(halfLifeMs, now);
  const interactive = createRecentUse(halfLifeMs, now);
  return {
    all,
    interactive,
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
