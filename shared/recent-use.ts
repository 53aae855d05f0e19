/** The time for which each tenant has used a resource, of which the past counts less and less. */
export interface RecentUse {
  /** Begins a use. @returns ends it; a second call does nothing. */
  begin(tenant: string): () => void;
  /** Adds a use of known length, in milliseconds. */
  charge(tenant: string, milliseconds: number): void;
  /**
   * The use of a tenant in milliseconds. A use in progress counts as long as earlier ones took on average, or as it has
   * taken so far if that is longer: otherwise a tenant with long uses would begin many before the first is charged.
   */
  of(tenant: string): number;
  /** The other tenants with recent use: their number, and their use in milliseconds for each millisecond of time. */
  others(tenant: string): { tenants: number; share: number };
}

interface Use {
  /** Of uses that have ended, at `at`. */
  milliseconds: number;
  at: number;
  /** Mean length of one; nothing before the first has ended. */
  mean: number | undefined;
  running: number;
  /** Sum of the times at which the running ones began. */
  began: number;
}

/** Weight of the latest use in the mean length. */
const weight = 0.2;
/** Below this a tenant is forgotten, in milliseconds. */
const negligibleMs = 1;
/** Tenants without current use that are remembered before the negligible ones are looked for. */
const remembered = 256;

/** @param halfLifeMs after this time a use counts half. */
export function createRecentUse(halfLifeMs = 10_000, now: () => number = () => performance.now()): RecentUse {
  const uses = new Map<string, Use>();
  /** The sum of a constant use of one place, in milliseconds. */
  const lifeMs = halfLifeMs / Math.LN2;
  let overallMean: number | undefined;
  let forgetAbove = remembered;

  const meanWith = (mean: number | undefined, value: number) =>
    mean === undefined ? value : mean + weight * (value - mean);
  const decayed = ({ milliseconds, at }: Use) => milliseconds * 2 ** ((at - now()) / halfLifeMs);
  const current = ({ running, began }: Use) => running * now() - began;

  function useOf(tenant: string): Use {
    let use = uses.get(tenant);
    if (use === undefined) {
      if (uses.size >= forgetAbove) forget();
      use = { milliseconds: 0, at: now(), mean: undefined, running: 0, began: 0 };
      uses.set(tenant, use);
    }
    return use;
  }

  function forget(): void {
    for (const [tenant, use] of uses) if (use.running === 0 && decayed(use) < negligibleMs) uses.delete(tenant);
    forgetAbove = Math.max(remembered, 2 * uses.size);
  }

  function charge(use: Use, milliseconds: number): void {
    use.milliseconds = decayed(use) + milliseconds;
    use.at = now();
  }

  return {
    begin(tenant) {
      const use = useOf(tenant);
      const start = now();
      use.running++;
      use.began += start;
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        use.running--;
        use.began -= start;
        const milliseconds = now() - start;
        charge(use, milliseconds);
        use.mean = meanWith(use.mean, milliseconds);
        overallMean = meanWith(overallMean, milliseconds);
      };
    },
    charge(tenant, milliseconds) {
      charge(useOf(tenant), milliseconds);
    },
    of(tenant) {
      const use = uses.get(tenant);
      if (use === undefined) return 0;
      return decayed(use) + Math.max(current(use), use.running * (use.mean ?? overallMean ?? 0));
    },
    others(tenant) {
      let tenants = 0;
      let milliseconds = 0;
      for (const [other, use] of uses) {
        const used = decayed(use) + current(use);
        if (other === tenant || used < negligibleMs) continue;
        tenants++;
        milliseconds += used;
      }
      return { tenants, share: milliseconds / lifeMs };
    },
  };
}
