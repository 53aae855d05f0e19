import { fetch as undiciFetch } from 'undici';
import { createAddressGuard } from './address-guard.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createNameLookup } from './name-lookup.ts';

const idleMs = 60_000;

/**
 * `fetch` behind the address guard, for addresses that an operator chose and whose redirects somebody else chooses.
 * @param own the operator's address: its host may be private and on any port, as may those in `allow`.
 */
export function createGuardedFetch(own: string, allow: readonly string[]): typeof globalThis.fetch {
  const { host } = new URL(own);
  const guard = createAddressGuard([host, ...allow], { settings: 'HF' });
  const dispatcher = createGuardedAgent({ guard, lookup: createNameLookup(), idleMs, connectionsPerHost: 8 });
  const guarded = async (address: string | URL | Request, init?: RequestInit) => {
    const url = new URL(address instanceof Request ? address.url : address);
    guard.checkUrl(url);
    return await undiciFetch(url.href, { ...(init as object), dispatcher });
  };
  return guarded as unknown as typeof globalThis.fetch;
}
