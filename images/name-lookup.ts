import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { ServiceError } from '../shared/errors.ts';

/**
 * Addresses of a host name, at least one.
 * @param byTheSystem as this machine resolves names (hosts file, search domains, mDNS) instead of by DNS alone.
 * @throws {ServiceError} `image.fetch.dns`
 */
export type NameLookup = (host: string, byTheSystem: boolean) => Promise<LookupAddress[]>;

/** A resolver reads the machine's name servers when it is made; a laptop that changes networks gets others. */
const resolverAgeMs = 30_000;
/** Of one query, and asked twice: a dead name server costs 6 s, since the second wait is doubled. */
const queryTimeoutMs = 2_000;

/**
 * Names that strangers chose go to DNS by c-ares. The system's own lookup blocks one of libuv's few threads until it
 * has an answer, so that a handful of names with a dead name server would stop every other lookup, file and picture of
 * the process. It is used for hosts that the operator has named alone; and of any name one lookup runs at a time.
 * @param servers name servers (`address:port`) in place of the machine's.
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
    // A name without an address of one kind says nothing about the other.
    const reasons = [v4, v6].flatMap((query) => (query.status === 'rejected' ? [query.reason] : []));
    throw reasons.find(({ code }) => code !== 'ENODATA') ?? reasons[0] ?? new Error('No address came back');
  }

  return async (host, byTheSystem) => {
    const key = `${byTheSystem}:${host}`;
    let answer = running.get(key);
    if (answer === undefined) {
      answer = (byTheSystem ? lookup(host, { all: true }) : byDns(host))
        .catch((cause: NodeJS.ErrnoException) => {
          throw lookupFailed(host, cause);
        })
        .finally(() => running.delete(key));
      running.set(key, answer);
    }
    return await answer;
  };
}

function lookupFailed(host: string, cause: NodeJS.ErrnoException): ServiceError {
  const reason = cause.code ?? cause.name;
  const what =
    { ENOTFOUND: 'does not exist', ENODATA: 'has no address', EBADNAME: 'is no name that DNS knows' }[reason] ??
    'could not be looked up: the name servers gave no answer';
  return new ServiceError('image.fetch.dns', `The host ${host} ${what} (${reason})`, { cause });
}
