import type { StoredItem } from '../batches/payload.ts';
import type { Outcome } from '../evaluation/evaluation.ts';
import type { Code } from '../shared/errors.ts';

const networkCodes = new Set<Code>(['image.fetch.dns', 'image.fetch.network', 'image.fetch.timeout']);
const fewestHosts = 3;

/**
 * Whether these outcomes speak of this worker's network and not of the items: every download of the chunk failed for a
 * cause of the network, and they went to several hosts.
 */
export function hasNoNetwork(items: readonly StoredItem[], outcomes: readonly Outcome[]): boolean {
  const hosts = new Set<string>();
  for (const [at, item] of items.entries()) {
    const host = hostOf(item);
    const outcome = outcomes[at];
    if (host === undefined || outcome === undefined) continue;
    if (outcome.status === 'succeeded' || !networkCodes.has(outcome.error.code)) return false;
    hosts.add(host);
  }
  return hosts.size >= fewestHosts;
}

function hostOf(item: StoredItem): string | undefined {
  if ('error' in item) return undefined;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && URL.canParse(address) ? new URL(address).host : undefined;
}
