import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { ServiceError } from '../shared/errors.ts';

/**
 * Returns the addresses of a host name, at least one.
 * @param byTheSystem true to resolve like this machine (hosts file, search domains, mDNS), false to use DNS only.
 * @throws {ServiceError} `image.fetch.dns`
 */
export type NameLookup = (host: string, byTheSystem: boolean) => Promise<LookupAddress[]>;

/** The lifetime of a resolver in ms: it reads the name servers when it is created, and a laptop may change networks. */
const resolverAgeMs = 30_000;
/** The timeout in ms of the first of two attempts. The second is twice as long, so a dead name server costs 6 s. */
const queryTimeoutMs = 2_000;

/**
 * Resolves untrusted host names by DNS, with c-ares. The system's lookup blocks one of libuv's few threads per name, so
 * a few names with a dead name server would stop all other lookups, files and images of the process. It is used only
 * for hosts that the operator lists. There is at most one lookup in flight for each name.
 * @param servers name servers (`address:port`) that replace the machine's.
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
    // A name may have addresses of only one kind, so ENODATA is the less useful reason.
    const reasons = [v4, v6].flatMap((query) => (query.status === 'rejected' ? [query.reason] : []));
    throw reasons.find(({ code }) => code !== 'ENODATA') ?? reasons[0] ?? new Error('No address came back');
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
  const what =
    { ENOTFOUND: 'does not exist', ENODATA: 'has no address', EBADNAME: 'is not a valid DNS name' }[reason] ??
    'could not be resolved: the name servers did not answer';
  return new ServiceError('image.fetch.dns', `The host ${host} ${what} (${reason})`, { cause });
}
