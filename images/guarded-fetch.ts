import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { ConfigError } from '../shared/config.ts';
import { type AddressGuard, createAddressGuard } from './address-guard.ts';
import { guardedConnector } from './guarded-agent.ts';
import { createNameLookup, type NameLookup } from './name-lookup.ts';

const idleMs = 60_000;
const keepAliveMs = 4_000;

/** The HTTP proxies for requests, by scheme. Requests to hosts in `noProxy` use none. */
export interface Proxies {
  https?: string | undefined;
  http?: string | undefined;
  noProxy?: string | undefined;
}

export interface GuardedFetchOptions {
  /** Hosts and address blocks that may have private addresses and any port. */
  allow: readonly string[];
  proxies?: Proxies;
  /** Tests replace it. */
  lookup?: NameLookup;
}

/**
 * Checks the URL of every request, including redirects, which `fetch` follows by itself. The connector does not know
 * which ports are allowed.
 */
const checkHops =
  (guard: AddressGuard): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) => {
    // Resolved against the origin, a path that begins with two slashes would lead to another host.
    guard.checkUrl(new URL(`${options.origin}${options.path}`));
    return dispatch(options, handler);
  };

/**
 * Creates a `fetch` whose requests and redirects the address guard checks. A proxy resolves the names itself and
 * decides which hosts can be reached.
 * @param own the URL that the operator chose. Its host may have a private address and any port.
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
    // Checks the user name and password in the URL, which the check of each request does not see.
    if (proxied === undefined) guard.checkUrl(url);
    return await undiciFetch(url.href, { ...(init as object), dispatcher: proxied ?? direct });
  };
  return guarded as unknown as typeof globalThis.fetch;
}

/** Requests to hosts in `noProxy` bypass the proxy, so the addresses of their connections are checked. */
function throughProxies(proxies: Proxies | undefined, connections: Agent.Options): Dispatcher | undefined {
  if (proxies?.https === undefined && proxies?.http === undefined) return undefined;
  return new EnvHttpProxyAgent({
    ...connections,
    connectTimeout: idleMs,
    // With undefined instead of an empty string, the agent would read a proxy from the environment.
    httpsProxy: proxies.https === undefined ? '' : proxyUrl(proxies.https, 'HTTPS_PROXY'),
    httpProxy: proxies.http === undefined ? '' : proxyUrl(proxies.http, 'HTTP_PROXY'),
    noProxy: proxies.noProxy ?? '',
  });
}

/** The value may include a password, so the error message does not quote it. */
function proxyUrl(given: string, setting: string): string {
  const address = given.includes('://') ? given : `http://${given}`;
  const protocol = URL.canParse(address) ? new URL(address).protocol : 'no address';
  if (protocol === 'http:' || protocol === 'https:') return address;
  throw new ConfigError(`${setting} (or ALL_PROXY): only http and https proxies are supported, not ${protocol}`);
}
