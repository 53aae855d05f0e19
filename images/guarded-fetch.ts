import { type Dispatcher, fetch as undiciFetch } from 'undici';
import { type AddressGuard, createAddressGuard } from './address-guard.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createNameLookup } from './name-lookup.ts';

const idleMs = 60_000;

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
 * @param own the operator's address: its host may be private and on any port, as may those in `allow`.
 */
export function createGuardedFetch(own: string, allow: readonly string[]): typeof globalThis.fetch {
  const { host } = new URL(own);
  const guard = createAddressGuard([host, ...allow], { settings: 'HF' });
  const agent = createGuardedAgent({ guard, lookup: createNameLookup(), idleMs, connectionsPerHost: 8 });
  const dispatcher = agent.compose(checkHops(guard));
  const guarded = async (address: string | URL | Request, init?: RequestInit) => {
    const url = new URL(address instanceof Request ? address.url : address);
    // Here and not by the hops alone: they are told neither user name nor password.
    guard.checkUrl(url);
    return await undiciFetch(url.href, { ...(init as object), dispatcher });
  };
  return guarded as unknown as typeof globalThis.fetch;
}
