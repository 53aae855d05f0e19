import { ServiceError } from './errors.ts';
import { createRecentUse } from './recent-use.ts';

export interface FairPlacesOptions {
  /**
   * The number of places (permits to use the resource once) of all tenants. A single tenant may hold all while no other
   * waits.
   */
  places: number;
  /**
   * The places that a tenant gets at once even when all `places` are held, so that long uses do not delay others. Only
   * `hardLimit` limits them. Default: 0.
   */
  guaranteed?: number;
  /** The maximum number of places, including guaranteed ones. Default: four times `places`. */
  hardLimit?: number;
  /**
   * The maximum number of waiting callers. Beyond it, the newest caller of the tenant with the longest queue is
   * refused.
   */
  maxWaiting?: number;
  now?: () => number;
}

/** Limits how many callers use a resource simultaneously, and shares it fairly between tenants. */
export interface FairPlaces {
  /**
   * Waits for a place (a permit to use the resource once). The next one goes to the tenant whose recent uses were
   * shortest in total. Ties go to the tenant with the fewest places, then to the one served longest ago. Callers of a
   * tenant are served in order.
   * @returns a function that frees the place. A second call has no effect.
   * @throws `signal.reason` when the signal aborts first; {@link ServiceError} `overloaded` when too many callers wait.
   */
  take(tenant: string, signal?: AbortSignal): Promise<() => void>;
  /** Returns a function that frees the place, or undefined if the tenant would have to wait. */
  tryTake(tenant: string): (() => void) | undefined;
  held(tenant: string): number;
  waiting(tenant: string): number;
  total(): { held: number; waiting: number };
  /** Rejects all present and later callers with `reason`. */
  close(reason: unknown): void;
}

interface Waiter {
  grant(): void;
  refuse(reason: unknown): void;
}

interface Share {
  held: number;
  /** In the order of their calls. */
  waiting: Set<Waiter>;
  /** The sequence number of the tenant's latest place. A lower number was served longer ago. */
  servedAt: number;
}

export function createFairPlaces(options: FairPlacesOptions): FairPlaces {
  const { places, guaranteed = 0, hardLimit = 4 * options.places, maxWaiting = Number.POSITIVE_INFINITY } = options;
  const shares = new Map<string, Share>();
  const use = createRecentUse(undefined, options.now);
  let held = 0;
  let waiting = 0;
  let grants = 0;
  let closed: { reason: unknown } | undefined;

  const shareOf = (tenant: string): Share => {
    const known = shares.get(tenant);
    if (known !== undefined) return known;
    const share: Share = { held: 0, waiting: new Set(), servedAt: 0 };
    shares.set(tenant, share);
    return share;
  };
  const mayHold = (share: Share) => held < places || (share.held < guaranteed && held < hardLimit);
  const hold = (tenant: string, share: Share): (() => void) => {
    held++;
    share.held++;
    share.servedAt = ++grants;
    const endUse = use.begin(tenant);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      endUse();
      held--;
      share.held--;
      forget(tenant, share);
      serve();
    };
  };
  const forget = (tenant: string, share: Share) => {
    if (share.held === 0 && share.waiting.size === 0) shares.delete(tenant);
  };
  const leave = (share: Share, waiter: Waiter) => {
    if (share.waiting.delete(waiter)) waiting--;
  };
  const serve = () => {
    while (waiting > 0) {
      let next: Share | undefined;
      let leastUsed = 0;
      for (const [tenant, share] of shares) {
        if (share.waiting.size === 0 || !mayHold(share)) continue;
        const used = use.of(tenant);
        if (next === undefined || (used - leastUsed || share.held - next.held || share.servedAt - next.servedAt) < 0) {
          next = share;
          leastUsed = used;
        }
      }
      const [first] = next?.waiting ?? [];
      if (next === undefined || first === undefined) return;
      leave(next, first);
      first.grant();
    }
  };
  /**
   * Refuses the newest caller of the tenant with the longest queue. Returns false if that queue is not longer than this
   * tenant's by at least two.
   */
  const makeRoom = (share: Share): boolean => {
    if (waiting < maxWaiting) return true;
    let [longest] = shares.values();
    for (const other of shares.values()) {
      if (longest === undefined || other.waiting.size > longest.waiting.size) longest = other;
    }
    if (longest === undefined || longest === share || longest.waiting.size <= share.waiting.size + 1) return false;
    const newest = [...longest.waiting].at(-1);
    if (newest === undefined) return false;
    leave(longest, newest);
    newest.refuse(overloaded());
    return true;
  };
  const overloaded = () =>
    new ServiceError('overloaded', `${waiting} callers are already waiting; retry shortly`, { retryAfter: 1 });

  return {
    take(tenant, signal) {
      if (closed !== undefined) return Promise.reject(closed.reason);
      if (signal?.aborted) return Promise.reject(signal.reason);
      const share = shareOf(tenant);
      if (share.waiting.size === 0 && mayHold(share)) return Promise.resolve(hold(tenant, share));
      if (!makeRoom(share)) {
        forget(tenant, share);
        return Promise.reject(overloaded());
      }
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          leave(share, waiter);
          waiter.refuse(signal?.reason);
        };
        const waiter: Waiter = {
          grant() {
            signal?.removeEventListener('abort', onAbort);
            resolve(hold(tenant, share));
          },
          refuse(reason) {
            signal?.removeEventListener('abort', onAbort);
            forget(tenant, share);
            reject(reason);
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        share.waiting.add(waiter);
        waiting++;
      });
    },
    tryTake(tenant) {
      if (closed !== undefined) return undefined;
      const share = shareOf(tenant);
      if (share.waiting.size === 0 && mayHold(share)) return hold(tenant, share);
      forget(tenant, share);
      return undefined;
    },
    held: (tenant) => shares.get(tenant)?.held ?? 0,
    waiting: (tenant) => shares.get(tenant)?.waiting.size ?? 0,
    total: () => ({ held, waiting }),
    close(reason) {
      closed = { reason };
      for (const share of [...shares.values()]) {
        for (const waiter of [...share.waiting]) {
          leave(share, waiter);
          waiter.refuse(reason);
        }
      }
    },
  };
}
