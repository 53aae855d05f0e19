import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';
import { isAddress } from './host-list.ts';
import type { NameLookup } from './name-lookup.ts';

export interface GuardedAgentOptions {
  guard: AddressGuard;
  lookup: NameLookup;
  /** Longest time to connect, to wait for headers, and between two parts of a body, in milliseconds. */
  idleMs: number;
  /** Most connections to one origin; further requests to it wait. */
  connectionsPerHost: number;
}

/** A connection that serves nobody is closed after this time, whatever its host would like: strangers name the hosts. */
const keepAliveMs = 4_000;

/**
 * How long one address of a host is tried before the next, in milliseconds. Node's 250 ms end a slow handshake with a host
 * that has A and AAAA records, and where IPv6 leads nowhere no other address is left.
 */
const familyAttemptMs = 2_500;

/** Connections that pass the address guard: literal, resolved and connected address are checked for each. */
export function createGuardedAgent({ guard, lookup, idleMs, connectionsPerHost }: GuardedAgentOptions): Agent {
  return new Agent({
    connect: guardedConnector(guard, lookup, idleMs),
    connections: connectionsPerHost,
    pipelining: 1,
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    allowH2: false,
  });
}

/**
 * Checks literal, resolved and connected address. A lookup of one's own is not enough: it is never asked
 * when the host already is an address, and the peer is what counts in the end.
 */
export function guardedConnector(guard: AddressGuard, lookup: NameLookup, timeout: number): buildConnector.connector {
  return (target, callback) => {
    const { hostname } = target;
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const check = (address: string) => guard.checkAddress(address, hostname, port);
    // The socket connects to these very addresses: there is no second lookup that could answer otherwise.
    const guardedLookup: LookupFunction = (host, { all }, done) => {
      lookup(host, guard.isAllowed(hostname, port))
        .then((addresses) => {
          for (const { address } of addresses) check(address);
          return addresses;
        })
        .then(
          (addresses) => {
            const [first] = addresses;
            if (all || first === undefined) done(null, addresses);
            else done(null, first.address, first.family);
          },
          (error) => done(error, []),
        );
    };
    try {
      if (isAddress(hostname)) check(hostname);
    } catch (blocked) {
      return callback(blocked as Error, null);
    }
    const connect = buildConnector({
      timeout,
      allowH2: false,
      autoSelectFamilyAttemptTimeout: familyAttemptMs,
      lookup: guardedLookup,
    });
    connect(target, (...outcome) => {
      const [error, socket] = outcome;
      if (error) return callback(error, null);
      try {
        if (socket.remoteAddress === undefined) throw new Error('The connection ended as soon as it was there');
        check(socket.remoteAddress);
      } catch (refused) {
        socket.destroy();
        return callback(refused as Error, null);
      }
      return callback(null, socket);
    });
  };
}
