import type { StoredItem } from '../batches/store/payload.ts';
import type { LineOutcome } from '../evaluation/answer-lines.ts';
import type { Outcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

const networkCodes = new Set<Code>(['image.fetch.dns', 'image.fetch.network', 'image.fetch.timeout']);
const fewestHosts = 3;
/**
 * The time in ms for which a chunk whose downloads all failed counts as evidence that this worker has lost the network.
 */
const evidenceMs = 60_000;

/**
 * The state of the network of this worker, as the outcomes of one chunk show it.
 *
 * - `lost`: every download failed with a network error, and the images were on three or more hosts
 * - `works`: a host has responded, even if it refused the request
 * - `unknown`: all other cases
 */
export type NetworkEvidence = 'works' | 'lost' | 'unknown';

export function networkEvidence(
  items: readonly StoredItem[],
  outcomes: readonly (Outcome | LineOutcome)[],
): NetworkEvidence {
  const hosts = new Set<string>();
  for (const [at, item] of items.entries()) {
    const host = hostOf(item);
    const outcome = outcomes[at];
    if (host === undefined || outcome === undefined) continue;
    if (outcome.status !== 'failed' || !networkCodes.has(outcome.error.code)) return 'works';
    hosts.add(host);
  }
  return hosts.size >= fewestHosts ? 'lost' : 'unknown';
}

/** The state of the network of this worker, as the chunks of all tenants show it. */
export interface NetworkFault {
  add(tenant: string, evidence: NetworkEvidence): void;
  /**
   * Returns the time in ms for which chunks of this tenant will still be delayed on this worker; 0 if they are not
   * delayed.
   */
  restMs(tenant: string): number;
  /**
   * Returns true when this worker has lost the network for all tenants: for at least two tenants, all downloads of a
   * chunk have recently failed, and no host has responded since. A tenant chooses its image hosts, so failed downloads
   * of one tenant delay only the chunks of that tenant. Without this rule, 128 items with four unreachable hosts
   * stopped a worker for 75 s.
   */
  isForAll(): boolean;
}

/**
 * @param restMs the time in ms for which chunks of a tenant are delayed after all downloads of one of its chunks have
 * failed.
 */
export function createNetworkFault(restMs: number, now = () => performance.now()): NetworkFault {
  /** For each tenant, the time at which all downloads of one of its chunks last failed. */
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
