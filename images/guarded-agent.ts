import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';

export interface GuardedAgentOptions {
  guard: AddressGuard;
  /** Longest time to connect, to wait for headers, and between two parts of a body, in milliseconds. */
  timeoutMs: number;
  /** Most connections to one origin; further requests to it wait. */
  connectionsPerHost: number;
}

/** Connections that pass the address guard: the resolved address and the connected peer are checked for each. */
export function createGuardedAgent({ guard, timeoutMs, connectionsPerHost }: GuardedAgentOptions): Agent {
  return new Agent({
    connect: guardedConnector(guard, timeoutMs),
    connections: connectionsPerHost,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    allowH2: false,
  });
}

/**
 * Checks literal, resolved and connected address. A lookup of one's own is not enough: it is never asked
 * when the host already is an address, and the peer is what counts in the end.
 */
function guardedConnector(guard: AddressGuard, timeout: number): buildConnector.connector {
  return (target, callback) => {
    const { hostname } = target;
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const guardedLookup: LookupFunction = (host, lookupOptions, done) => {
      lookup(host, { ...lookupOptions, all: true }, (error, addresses) => {
        if (error) return done(error, []);
        try {
          for (const { address } of addresses) guard.checkAddress(address, hostname, port);
        } catch (blocked) {
          return done(blocked as NodeJS.ErrnoException, []);
        }
        const first = addresses[0];
        if (lookupOptions.all || !first) return done(null, addresses);
        return done(null, first.address, first.family);
      });
    };
    const connect = buildConnector({ timeout, allowH2: false, lookup: guardedLookup });
    connect(target, (...outcome) => {
      const [error, socket] = outcome;
      if (error) return callback(error, null);
      try {
        guard.checkAddress(socket.remoteAddress ?? 'an unknown peer', hostname, port);
      } catch (blocked) {
        socket.destroy();
        return callback(blocked as Error, null);
      }
      return callback(null, socket);
    });
  };
}
