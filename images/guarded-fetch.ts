import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { ConfigError } from '../shared/config.ts';
import { type AddressGuard, createAddressGuard } from './address-guard.ts';
import { guardedConnector } from './guarded-agent.ts';
import { createNameLookup, type NameLookup } from './name-lookup.ts';

const idleMs = 60_000;
const keepAliveMs = 4_000;

/** The proxies that requests go through; hosts in `noProxy` are asked directly. */
export interface Proxies {
  https?: string | undefined;
  http?: string | undefined;
  noProxy?: string | undefined;
}

export interface GuardedFetchOptions {
  /** Hosts, and blocks of addresses, that may be private and on any port. */
  allow: readonly string[];
  proxies?: Proxies;
  /** For tests: how names are resolved. */
  lookup?: NameLookup;
}

/**
 * Checks each address as it is written, redirects included, which `fetch` follows by itself. The connector sees no more of
 * them than a host and its addresses: a port that is not used would pass.
 */
const checkHops =
  (guard: AddressGuard): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) => {
    // Put together and not resolved: a path that begins with two slashes would name another host.
    guard.checkUrl(new URL(`${options.origin}${options.path}`));
    return dispatch(options, handler);
  };

/**
 * `fetch` behind the address guard, for addresses that an operator chose and whose redirects somebody else chooses.
 * Which hosts may be reached through a proxy is the proxy's to decide: it resolves their names.
 * @param own the operator's address: its host may be private and on any port.
 * @throws {ConfigError} for a proxy that does not speak HTTP.
 */
export function createGuardedFetch(own: string, options: GuardedFetchOptions): typeof globalThis.fetch {
  const { host } = new URL(own);
  const guard = createAddressGuard([host, ...options.allow], { settings: 'HF', allowsBlocks: true });
  const lookup = options.lookup ?? createNameLookup();
  const connections = {
    connect: guardedConnector(guard, lookup, idleMs),
    connections: 8,
    pipelining: 1,
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    allowH2: false,
  };
  const direct = new Agent(connections).compose(checkHops(guard));
  const proxied = throughProxies(options.proxies, connections);
  const guarded = async (address: string | URL | Request, init?: RequestInit) => {
    const url = new URL(address instanceof Request ? address.url : address);
    // Here and not by the hops alone: they see neither user name nor password.
    if (proxied === undefined) guard.checkUrl(url);
    return await undiciFetch(url.href, { ...(init as object), dispatcher: proxied ?? direct });
  };
  return guarded as unknown as typeof globalThis.fetch;
}

/** Hosts that `noProxy` names are connected to by the guard's own connector; the others by their proxy. */
function throughProxies(proxies: Proxies | undefined, connections: Agent.Options): Dispatcher | undefined {
  if (proxies?.https === undefined && proxies?.http === undefined) return undefined;
  return new EnvHttpProxyAgent({
    ...connections,
    connectTimeout: idleMs,
    // An empty one, or the agent would look at the environment itself.
    httpsProxy: proxies.https === undefined ? '' : proxyUrl(proxies.https, 'HTTPS_PROXY'),
    httpProxy: proxies.http === undefined ? '' : proxyUrl(proxies.http, 'HTTP_PROXY'),
    noProxy: proxies.noProxy ?? '',
  });
}

/** The message shows no value: it may hold a password. */
function proxyUrl(given: string, setting: string): string {
  const address = given.includes('://') ? given : `http://${given}`;
  const protocol = URL.canParse(address) ? new URL(address).protocol : 'no address';
  if (protocol === 'http:' || protocol === 'https:') return address;
  throw new ConfigError(
    `${setting} (or ALL_PROXY): models are pulled through proxies of http and https, not ${protocol}`,
  );
}
