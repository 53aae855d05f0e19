import { ServiceError } from '../shared/errors.ts';

/** Requests to each host take turns: so many at a time, fewer for a host that is overrun, none while it wants a rest. */
export interface HostTurns {
  /**
   * Waits for a turn. Every turn that is given is given back with `end`.
   * @param patienceMs how long the caller can wait; a host that rests for longer is not waited for.
   * @throws {ServiceError} `image.fetch.unavailable` for such a host; the signal's reason once it is aborted.
   */
  take(host: string, patienceMs: number, signal: AbortSignal): Promise<Turn>;
}

export interface Turn {
  /** The host said that it is overrun (429, 503): it gets half as many requests at a time. */
  slowDown(): void;
  /** Nobody asks the host again for this time, in milliseconds. */
  rest(ms: number): void;
  end(): void;
}

interface Host {
  active: number;
  /** Requests at a time; grows back by one for each round of requests that went well. */
  width: number;
  /** When the host may be asked again, by `performance.now()`. */
  restsUntil: number;
  wake: NodeJS.Timeout | undefined;
  /** Begins the request that waits. */
  waiting: (() => void)[];
}

/** However long a host wants to rest: an hour's rest for one image must not be an hour's rest for all others. */
const longestRestMs = 60_000;
/** Hosts that are remembered for being slow or at rest; beyond that the oldest are forgotten. */
const rememberedHosts = 1_000;

/** @param widest requests to one host at a time. */
export function createHostTurns(widest: number): HostTurns {
  const hosts = new Map<string, Host>();

  function hostOf(name: string): Host {
    let host = hosts.get(name);
    if (host === undefined) {
      if (hosts.size >= rememberedHosts) forgetOldest();
      host = { active: 0, width: widest, restsUntil: 0, wake: undefined, waiting: [] };
      hosts.set(name, host);
    }
    return host;
  }

  const isIdle = ({ active, waiting }: Host) => active === 0 && waiting.length === 0;

  function forgetOldest(): void {
    for (const [name, host] of hosts) {
      if (hosts.size < rememberedHosts) return;
      if (isIdle(host)) hosts.delete(name);
    }
  }

  function advance(name: string, host: Host): void {
    const restMs = host.restsUntil - performance.now();
    if (restMs > 0) {
      if (host.waiting.length > 0) host.wake ??= setTimeout(onWake, restMs, name, host);
      return;
    }
    while (host.active < Math.floor(host.width)) {
      const next = host.waiting.shift();
      if (next === undefined) break;
      host.active++;
      next();
    }
    if (isIdle(host) && host.width >= widest && hosts.get(name) === host) hosts.delete(name);
  }

  function onWake(name: string, host: Host): void {
    host.wake = undefined;
    advance(name, host);
  }

  function turnOf(name: string, host: Host): Turn {
    let wentWell = true;
    return {
      slowDown() {
        wentWell = false;
        host.width = Math.max(1, host.width / 2);
      },
      rest(ms) {
        wentWell = false;
        host.restsUntil = Math.max(host.restsUntil, performance.now() + Math.min(ms, longestRestMs));
      },
      end() {
        host.active--;
        if (wentWell) host.width = Math.min(widest, host.width + 1 / host.width);
        advance(name, host);
      },
    };
  }

  return {
    async take(name, patienceMs, signal) {
      signal.throwIfAborted();
      const host = hostOf(name);
      const restMs = host.restsUntil - performance.now();
      if (restMs > patienceMs) {
        const seconds = Math.ceil(restMs / 1000);
        throw new ServiceError('image.fetch.unavailable', `${name} wants no request for another ${seconds} s`, {
          retryAfter: seconds,
        });
      }
      await new Promise<void>((resolve, reject) => {
        const begin = () => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const leave = () => {
          host.waiting.splice(host.waiting.indexOf(begin), 1);
          reject(signal.reason);
          advance(name, host);
        };
        signal.addEventListener('abort', leave, { once: true });
        host.waiting.push(begin);
        advance(name, host);
      });
      return turnOf(name, host);
    },
  };
}
