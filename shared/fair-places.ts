import { ServiceError } from './errors.ts';
import { createRecentUse } from './recent-use.ts';

export interface FairPlacesOptions {
  /**
   * The number of places that all tenants together may hold. A place is the right to use the resource once. A single
   * tenant may hold all places while no other tenant waits.
   */
  places: number;
  /**
   * The number of places that a tenant may hold even when all `places` are held, so that long uses by one tenant do not
   * delay another. A tenant that holds fewer places gets one at once; only `hardLimit` limits these guaranteed places.
   * Default: 0.
   */
  guaranteed?: number;
  /**
   * The maximum number of places that all tenants together may hold, including guaranteed places. Default: four times
   * `places`.
   */
  hardLimit?: number;
  /**
   * The maximum number of waiting callers. When it is exceeded, the newest caller of the tenant with the longest queue
   * is refused.
   */
  maxWaiting?: number;
  /** Returns the current time in ms. Tests replace it. */
  now?: () => number;
}

/**
 * Limits how many callers use a resource at the same time, and shares the resource fairly between tenants. A caller
 * holds a place while it uses the resource.
 */
export interface FairPlaces {
  /**
   * Waits for a place: the right to use the resource once. The next free place goes to the waiting tenant that has
   * recently used places for the shortest total time, because a use may last milliseconds or seconds. Among tenants
   * with equal use, it goes to the tenant with the fewest places, then to the tenant that got its last place longest
   * ago. Callers of the same tenant are served in the order of their calls.
   * @returns a function that frees the place. A second call has no effect.
   * @throws `signal.reason` when the signal aborts first; {@link ServiceError} `overloaded` when too many callers wait.
   */
  take(tenant: string, signal?: AbortSignal): Promise<() => void>;
  /**
   * Returns a function that frees the place (the right to use the resource), if the tenant can have a place at once;
   * otherwise undefined.
   */
  tryTake(tenant: string): (() => void) | undefined;
  held(tenant: string): number;
  waiting(tenant: string): number;
  total(): { held: number; waiting: number };
  /** Rejects all waiting callers and all later ones with `reason`. */
  close(reason: unknown): void;
}

interface Waiter {
  grant(): void;
  refuse(reason: unknown): void;
}

interface Share {
  held: number;
  /** The waiting callers, in the order of their calls. */
  waiting: Set<Waiter>;
  /**
   * The sequence number of the last place (right to use the resource) that this tenant got. The tenant with the lower
   * number was served longer ago.
   */
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
   * Makes room for one more waiting caller of this tenant. If the maximum number of callers already waits, it refuses
   * the newest caller of the tenant with the longest queue. It refuses no caller and returns false, if every other
   * tenant has at most one waiting caller more than this tenant.
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
