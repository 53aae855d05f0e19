import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';
import { isAddress } from './host-list.ts';
import type { NameLookup } from './name-lookup.ts';

export interface GuardedAgentOptions {
  guard: AddressGuard;
  lookup: NameLookup;
  /** The maximum time in ms of each wait: for the connection, the headers, and the next chunk of a body. */
  idleMs: number;
  /** The maximum number of connections to one origin. Further requests wait. */
  connectionsPerHost: number;
}

/**
 * The time in ms after which an idle connection is closed. A host cannot extend it, because clients choose the hosts.
 */
const keepAliveMs = 4_000;

/**
 * The time in ms before the next address of a host is tried. Node's 250 ms would abort slow handshakes with hosts that
 * have both A and AAAA records; without IPv6, no address would then remain.
 */
const familyAttemptMs = 2_500;

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
 * Creates the function that opens connections. It checks addresses in URLs, resolved addresses, and the address of the
 * socket, which alone shows the one that was used.
 */
export function guardedConnector(guard: AddressGuard, lookup: NameLookup, timeout: number): buildConnector.connector {
  return (target, callback) => {
    const { hostname } = target;
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const check = (address: string) => guard.checkAddress(address, hostname, port);
    // The socket connects to the checked addresses. A second lookup could return others.
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
        if (socket.remoteAddress === undefined) throw new Error('The connection closed immediately');
        check(socket.remoteAddress);
      } catch (refused) {
        socket.destroy();
        return callback(refused as Error, null);
      }
      return callback(null, socket);
    });
  };
}
