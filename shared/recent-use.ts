/** Measures how long each tenant has recently used a resource. Older uses weigh less. */
export interface RecentUse {
  /** Records the start of a use. @returns a function that records its end; a second call has no effect. */
  begin(tenant: string): () => void;
  /** Adds a use of known length in ms. */
  charge(tenant: string, milliseconds: number): void;
  /**
   * Returns a tenant's recent use in ms. A running use counts as the mean of earlier ones, or as its own length if
   * longer. Otherwise a tenant could start many at once.
   */
  of(tenant: string): number;
  /** Returns the number of other tenants with recent use, and their total use as a share of the time. */
  others(tenant: string): { tenants: number; share: number };
}

interface Use {
  /** The total length in ms of finished uses, weighted by their age at the time `at`. */
  milliseconds: number;
  at: number;
  /** The mean length of a use in ms. Undefined before the first use has ended. */
  mean: number | undefined;
  running: number;
  /** The sum of the start times of all running uses. */
  began: number;
}

/** The weight of the latest use in the moving mean of the length. */
const weight = 0.2;
/** The use in ms below which a tenant without running uses may be forgotten. */
const negligibleMs = 1;
/** The number of tenants above which those with negligible use are forgotten. */
const remembered = 256;

/** @param halfLifeMs the time in ms after which the weight of a use has halved. */
export function createRecentUse(halfLifeMs = 10_000, now: () => number = () => performance.now()): RecentUse {
  const uses = new Map<string, Use>();
  /** The limit in ms of the counted use if one use runs without end. */
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
