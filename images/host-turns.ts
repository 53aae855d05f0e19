import { ServiceError } from '../shared/errors.ts';
import { createFairPlaces, type FairPlaces } from '../shared/fair-places.ts';

/**
 * Limits the requests in flight to each image host. Callers share the maximum fairly. A caller whose requests an
 * overloaded host refuses may send fewer, and none during a back-off. Other callers are not affected, so one tenant
 * cannot block a host for others.
 */
export interface HostTurns {
  /**
   * Waits for the permission to send one request. The caller must call `end` afterwards.
   * @param caller a tenant and its kind of work.
   * @param patienceMs the maximum wait.
   * @throws {ServiceError} `image.fetch.unavailable` after `patienceMs`; the reason of the signal when it aborts.
   */
  take(host: string, caller: string, patienceMs: number, signal?: AbortSignal): Promise<Turn>;
}

export interface Turn {
  /** Records that the host has answered, even with an error such as "not found". */
  answered(): void;
  /**
   * Records that the host refused a request because it is overloaded (429, 503). After two different refused URLs in a
   * row, the caller may have half as many requests in flight. After three, it sends none until the back-off ends.
   * @param address the URL. A single refused URL does not show overload.
   * @param restMs the back-off that the host has requested.
   */
  refused(address: string, restMs: number | undefined): void;
  end(): void;
}

/** The state of a host for one caller. */
interface Host {
  active: number;
  /**
   * The maximum number of requests in flight. A refusal halves it. As many answers as its current value increase it by
   * one.
   */
  width: number;
  /** The URLs that the host has refused since its last answer. */
  refused: Set<string>;
  /** On the clock of `performance.now()`. */
  restsUntil: number;
  wake: NodeJS.Timeout | undefined;
  /** Functions that each let one waiting request begin. */
  waiting: Set<() => void>;
}

/** The maximum back-off in ms, even if a host asks for an hour. */
const longestRestMs = 60_000;
/** The back-off in ms when the host states no time. */
const usualRestMs = 1_000;
const refusalsBeforeSlower = 2;
const refusalsBeforeRest = 3;
/** Above this number of host states, the oldest ones without requests are deleted. */
const rememberedHosts = 1_000;
/** Each caller may always have this many requests in flight to a host, even when others use the maximum. */
const guaranteedRequests = 2;

/** Returns the maximum number of requests in flight to one host, including guaranteed ones. */
export const mostRequests = (widest: number): number => 2 * widest;

/** @param widest the maximum number of requests in flight to one host, without guaranteed ones. */
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
    const unavailable = (why: string, seconds: number) =>
      new ServiceError('image.fetch.unavailable', `${name} ${why}`, { retryAfter: seconds });
    if (restMs > patienceMs) {
      const seconds = Math.ceil(restMs / 1000);
      throw unavailable(`asked us to back off; retry in ${seconds} s`, seconds);
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
      const onTimeout = () => leave(unavailable(`had no free request slot for ${seconds} s`, seconds));
      const patience = setTimeout(onTimeout, patienceMs);
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
