import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { ServiceError } from '../shared/errors.ts';

/**
 * Returns the addresses of a host name, at least one.
 * @param byTheSystem true to resolve the name as other programs do (hosts file, search domains, mDNS); false for DNS
 * only.
 * @throws {ServiceError} `image.fetch.unknown_host`; `image.fetch.dns` if the name servers did not answer.
 */
export type NameLookup = (host: string, byTheSystem: boolean) => Promise<LookupAddress[]>;

/**
 * The lifetime of a resolver in ms. It reads the name servers only at its creation, and a laptop may change networks.
 */
const resolverAgeMs = 30_000;
/**
 * The timeout in ms of the first of two DNS attempts. The second takes twice as long, so a lookup without a name server
 * fails after 6 s.
 */
const queryTimeoutMs = 2_000;

/**
 * Creates a function that resolves untrusted host names by DNS, with c-ares. Only hosts that the operator has listed
 * use the system's lookup. It occupies one of libuv's few threads: a few names with an unreachable name server would
 * stop all lookups, file reads and images. Each name has at most one lookup in flight.
 * @param servers name servers (`address:port`) instead of those of the machine.
 */
export function createNameLookup(servers?: readonly string[]): NameLookup {
  const running = new Map<string, Promise<LookupAddress[]>>();
  let resolver = new Resolver();
  let madeAt = Number.NEGATIVE_INFINITY;

  async function byDns(host: string): Promise<LookupAddress[]> {
    if (performance.now() - madeAt > resolverAgeMs) {
      resolver = new Resolver({ timeout: queryTimeoutMs, tries: 2 });
      if (servers) resolver.setServers(servers);
      madeAt = performance.now();
    }
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (addresses.length > 0) return addresses;
    // ENODATA only means that a name has no addresses of one kind, so another error is more useful.
    const reasons = [v4, v6].flatMap((query) => (query.status === 'rejected' ? [query.reason] : []));
    throw reasons.find(({ code }) => code !== 'ENODATA') ?? reasons[0] ?? new Error('the lookup returned no address');
  }

  return async (host, byTheSystem) => {
    const key = `${byTheSystem}:${host}`;
    let addresses = running.get(key);
    if (addresses === undefined) {
      addresses = (byTheSystem ? lookup(host, { all: true }) : byDns(host))
        .catch((cause: NodeJS.ErrnoException) => {
          throw lookupFailed(host, cause);
        })
        .finally(() => running.delete(key));
      running.set(key, addresses);
    }
    return await addresses;
  };
}

function lookupFailed(host: string, cause: NodeJS.ErrnoException): ServiceError {
  const reason = cause.code ?? cause.name;
  const what = { ENOTFOUND: 'does not exist', ENODATA: 'has no address', EBADNAME: 'is not a valid DNS name' }[reason];
  if (what !== undefined)
    return new ServiceError('image.fetch.unknown_host', `The host ${host} ${what} (${reason})`, { cause });
  const message = `The host ${host} could not be resolved: the name servers did not answer (${reason})`;
  return new ServiceError('image.fetch.dns', message, { cause });
}
