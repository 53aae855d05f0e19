import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';
import { isAddress } from './host-list.ts';
import type { NameLookup } from './name-lookup.ts';

export interface GuardedAgentOptions {
  guard: AddressGuard;
  lookup: NameLookup;
  /** The maximum time in ms to connect, to wait for headers, and between two parts of a body. */
  idleMs: number;
  /** The maximum connections to one origin; further requests to it wait. */
  connectionsPerHost: number;
}

/**
 * The time in ms after which an idle connection is closed. The host's own wish is ignored, since strangers choose the
 * hosts.
 */
const keepAliveMs = 4_000;

/**
 * The time in ms for one address of a host before the next is tried. Node's default of 250 ms ends slow handshakes with
 * hosts that have A and AAAA records; without IPv6, no address is left then.
 */
const familyAttemptMs = 2_500;

/** Creates an agent whose connections pass the address guard: literal, resolved and connected address are all checked. */
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
 * Checks the literal, the resolved and the connected address. A custom lookup alone is not enough: it is not called for a
 * literal address, and only the peer of the socket is certain.
 */
export function guardedConnector(guard: AddressGuard, lookup: NameLookup, timeout: number): buildConnector.connector {
  return (target, callback) => {
    const { hostname } = target;
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const check = (address: string) => guard.checkAddress(address, hostname, port);
    // The socket connects to exactly these addresses: no second lookup could answer differently.
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
