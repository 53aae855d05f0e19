import type { StoredItem } from '../batches/store/payload.ts';
import type { Outcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

const networkCodes = new Set<Code>(['image.fetch.dns', 'image.fetch.network', 'image.fetch.timeout']);
const fewestHosts = 3;
/** How long what a tenant found counts, in milliseconds. */
const evidenceMs = 60_000;

/**
 * What the outcomes of a chunk say about this worker's network.
 *
 * - `lost`: every download failed for a cause of the network, and they went to several hosts;
 * - `works`: a host has answered, if only to refuse;
 * - `unknown`: anything else.
 */
export type NetworkEvidence = 'works' | 'lost' | 'unknown';

export function networkEvidence(items: readonly StoredItem[], outcomes: readonly Outcome[]): NetworkEvidence {
  const hosts = new Set<string>();
  for (const [at, item] of items.entries()) {
    const host = hostOf(item);
    const outcome = outcomes[at];
    if (host === undefined || outcome === undefined) continue;
    if (outcome.status === 'succeeded' || !networkCodes.has(outcome.error.code)) return 'works';
    hosts.add(host);
  }
  return hosts.size >= fewestHosts ? 'lost' : 'unknown';
}

/** What the chunks of all tenants say about this worker's network. */
export interface NetworkFault {
  add(tenant: string, evidence: NetworkEvidence): void;
  /** How long chunks of this tenant wait before this worker takes one again, in milliseconds; 0 when they need not. */
  restMs(tenant: string): number;
  /**
   * Whether the network is taken to be lost for all: two tenants found it so, and no host has answered since. A single
   * tenant names its hosts itself, so what it finds holds for its own chunks alone: 128 items that named four dead hosts
   * stopped a worker for 75 s.
   */
  isForAll(): boolean;
}

/** @param restMs how long a tenant's chunks wait after one that found the network lost. */
export function createNetworkFault(restMs: number, now = () => performance.now()): NetworkFault {
  /** When each tenant last found the network lost. */
  const lost = new Map<string, number>();
  const ageOf = (tenant: string) => now() - (lost.get(tenant) ?? Number.NEGATIVE_INFINITY);
  return {
    add(tenant, evidence) {
      if (evidence === 'works') lost.clear();
      for (const known of lost.keys()) if (ageOf(known) > evidenceMs) lost.delete(known);
      if (evidence === 'lost') lost.set(tenant, now());
    },
    restMs: (tenant) => Math.max(0, restMs - ageOf(tenant)),
    isForAll: () => [...lost.keys()].filter((tenant) => ageOf(tenant) <= evidenceMs).length >= 2,
  };
}

function hostOf(item: StoredItem): string | undefined {
  if ('error' in item) return undefined;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && URL.canParse(address) ? new URL(address).host : undefined;
}
