import { ServiceError } from '../shared/errors.ts';
import { createFairPlaces, type FairPlaces } from '../shared/fair-places.ts';

/**
 * Requests to each host take turns: so many at a time, shared fairly between callers, fewer for a host that is overrun,
 * none while it wants a rest. A caller learns from its own requests alone that a host refuses: addresses that one tenant
 * chose must not keep another from the same host.
 */
export interface HostTurns {
  /**
   * Waits for a turn. Every turn that is given is given back with `end`.
   * @param caller who shares: a tenant with one kind of work.
   * @param patienceMs how long the caller can wait, in milliseconds.
   * @throws {ServiceError} `image.fetch.unavailable` when that is not long enough; the signal's reason once it aborts.
   */
  take(host: string, caller: string, patienceMs: number, signal?: AbortSignal): Promise<Turn>;
}

export interface Turn {
  /** The host has answered the request, if only with "not found". */
  answered(): void;
  /**
   * The host says that it is overrun (429, 503). One address that it refuses says nothing about others: after two in a row
   * the host gets half as many requests at a time, and from the third on it rests.
   * @param restMs the rest that it asks for, in milliseconds.
   */
  refused(address: string, restMs: number | undefined): void;
  end(): void;
}

/** A host as one caller knows it. */
interface Host {
  active: number;
  /** Requests at a time; grows back by one for each round of requests that were answered. */
  width: number;
  /** Addresses that were refused since the last answer, as many as are needed to tell. */
  refused: Set<string>;
  /** When the host may be asked again, by `performance.now()`. */
  restsUntil: number;
  wake: NodeJS.Timeout | undefined;
  /** Begins the request that waits. */
  waiting: Set<() => void>;
}

/** However long a host wants to rest: an hour's rest must not be an hour's rest for all images. */
const longestRestMs = 60_000;
/** A host that names no time rests for so long, in milliseconds. */
const usualRestMs = 1_000;
const refusalsBeforeSlower = 2;
const refusalsBeforeRest = 3;
/** Hosts that are remembered for being slow or at rest; beyond that the oldest are forgotten. */
const rememberedHosts = 1_000;
/** Requests to a host that a caller may have although others have all of them. */
const guaranteedRequests = 2;

/** Requests to one host at a time, those that are guaranteed to further callers included. */
export const mostRequests = (widest: number): number => 2 * widest;

/** @param widest requests to one host at a time. */
export function createHostTurns(widest: number): HostTurns {
  const hosts = new Map<string, Host>();
  const placesOf = new Map<string, FairPlaces>();

  function hostOf(key: string): Host {
    let host = hosts.get(key);
    if (host === undefined) {
      if (hosts.size >= rememberedHosts) forgetOldest();
      host = { active: 0, width: widest, refused: new Set(), restsUntil: 0, wake: undefined, waiting: new Set() };
      hosts.set(key, host);
    }
    return host;
  }

  const isIdle = ({ active, waiting }: Host) => active === 0 && waiting.size === 0;

  function forgetOldest(): void {
    for (const [key, host] of hosts) {
      if (hosts.size < rememberedHosts) return;
      if (isIdle(host)) hosts.delete(key);
    }
  }

  function advance(key: string, host: Host): void {
    const restMs = host.restsUntil - performance.now();
    if (restMs > 0) {
      if (host.waiting.size > 0) host.wake ??= setTimeout(onWake, restMs, key, host);
      return;
    }
    for (const begin of host.waiting) {
      if (host.active >= Math.floor(host.width)) break;
      host.waiting.delete(begin);
      host.active++;
      begin();
    }
    const isAsBefore = host.width >= widest && host.refused.size === 0;
    if (isIdle(host) && isAsBefore && hosts.get(key) === host) hosts.delete(key);
  }

  function onWake(key: string, host: Host): void {
    host.wake = undefined;
    advance(key, host);
  }

  /** Waits until this caller may send one more request to the host. */
  async function untilDue(name: string, key: string, host: Host, patienceMs: number, signal?: AbortSignal) {
    const restMs = host.restsUntil - performance.now();
    const notAsked = (why: string, seconds: number) =>
      new ServiceError('image.fetch.unavailable', `${name} ${why}; this image was not requested`, {
        retryAfter: seconds,
      });
    if (restMs > patienceMs) {
      const seconds = Math.ceil(restMs / 1000);
      throw notAsked(`wants no request for another ${seconds} s`, seconds);
    }
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(patience);
        signal?.removeEventListener('abort', onAbort);
      };
      const begin = () => {
        settle();
        resolve();
      };
      const leave = (reason: unknown) => {
        settle();
        host.waiting.delete(begin);
        reject(reason);
        advance(key, host);
      };
      const onAbort = () => leave(signal?.reason);
      const seconds = Math.ceil(patienceMs / 1000);
      const patience = setTimeout(() => leave(notAsked(`had no turn for it within ${seconds} s`, seconds)), patienceMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      host.waiting.add(begin);
      advance(key, host);
    });
  }

  function turnOf(key: string, host: Host, release: () => void): Turn {
    return {
      answered() {
        host.refused.clear();
        host.width = Math.min(widest, host.width + 1 / host.width);
      },
      refused(address, restMs = usualRestMs) {
        if (host.refused.size < refusalsBeforeRest) host.refused.add(address);
        if (host.refused.size >= refusalsBeforeSlower) host.width = Math.max(1, host.width / 2);
        if (host.refused.size < refusalsBeforeRest) return;
        host.restsUntil = Math.max(host.restsUntil, performance.now() + Math.min(restMs, longestRestMs));
      },
      end() {
        release();
        host.active--;
        advance(key, host);
      },
    };
  }

  return {
    async take(name, caller, patienceMs, signal) {
      signal?.throwIfAborted();
      const key = `${caller}\n${name}`;
      const host = hostOf(key);
      await untilDue(name, key, host, patienceMs, signal);
      let places = placesOf.get(name);
      if (places === undefined) {
        places = createFairPlaces({ places: widest, guaranteed: guaranteedRequests, hardLimit: mostRequests(widest) });
        placesOf.set(name, places);
      }
      const own = places;
      const give = (release: () => void) => () => {
        release();
        const { held, waiting } = own.total();
        if (held + waiting === 0) placesOf.delete(name);
      };
      try {
        return turnOf(key, host, give(await own.take(caller, signal)));
      } catch (error) {
        host.active--;
        advance(key, host);
        throw error;
      }
    },
  };
}
