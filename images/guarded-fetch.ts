import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { ConfigError } from '../shared/config.ts';
import { type AddressGuard, createAddressGuard } from './address-guard.ts';
import { guardedConnector } from './guarded-agent.ts';
import { createNameLookup, type NameLookup } from './name-lookup.ts';

const idleMs = 60_000;
const keepAliveMs = 4_000;

/** The proxies for requests. Hosts in `noProxy` are requested directly. */
export interface Proxies {
  https?: string | undefined;
  http?: string | undefined;
  noProxy?: string | undefined;
}

export interface GuardedFetchOptions {
  /** Hosts and address blocks that may be private and on any port. */
  allow: readonly string[];
  proxies?: Proxies;
  /** Resolves names; for tests. */
  lookup?: NameLookup;
}

/**
 * Checks the URL of every request, including redirects, which `fetch` follows by itself. The connector alone does not see
 * ports that are not allowed.
 */
const checkHops =
  (guard: AddressGuard): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) => {
    // Concatenated and not resolved: a path that begins with two slashes would name another host.
    guard.checkUrl(new URL(`${options.origin}${options.path}`));
    return dispatch(options, handler);
  };

/**
 * Creates a `fetch` behind the address guard, for a URL that the operator chose and redirects that others choose. With a
 * proxy, the proxy decides which hosts may be reached, because it resolves their names.
 * @param own the operator's URL: its host may be private and on any port.
 * @throws {ConfigError} for a proxy that is not an HTTP proxy.
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
    // Checked here too, because the hops do not see user name and password.
    if (proxied === undefined) guard.checkUrl(url);
    return await undiciFetch(url.href, { ...(init as object), dispatcher: proxied ?? direct });
  };
  return guarded as unknown as typeof globalThis.fetch;
}

/** Creates an agent that uses the proxies, and the guard's connector for the hosts in `noProxy`. */
function throughProxies(proxies: Proxies | undefined, connections: Agent.Options): Dispatcher | undefined {
  if (proxies?.https === undefined && proxies?.http === undefined) return undefined;
  return new EnvHttpProxyAgent({
    ...connections,
    connectTimeout: idleMs,
    // Empty instead of undefined, for which the agent would read the environment itself.
    httpsProxy: proxies.https === undefined ? '' : proxyUrl(proxies.https, 'HTTPS_PROXY'),
    httpProxy: proxies.http === undefined ? '' : proxyUrl(proxies.http, 'HTTP_PROXY'),
    noProxy: proxies.noProxy ?? '',
  });
}

/** Returns the URL of a proxy. The error message omits the value, which may contain a password. */
function proxyUrl(given: string, setting: string): string {
  const address = given.includes('://') ? given : `http://${given}`;
  const protocol = URL.canParse(address) ? new URL(address).protocol : 'no address';
  if (protocol === 'http:' || protocol === 'https:') return address;
  throw new ConfigError(`${setting} (or ALL_PROXY): only http and https proxies are supported, not ${protocol}`);
}
