import type { StoredItem } from '../batches/store/payload.ts';
import type { LineOutcome } from '../evaluation/answer-lines.ts';
import type { Outcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

// A name server of a lost network may answer that a host does not exist.
const networkCodes = new Set<Code>([
  'image.fetch.unknown_host',
  'image.fetch.dns',
  'image.fetch.network',
  'image.fetch.timeout',
]);
const fewestHosts = 3;
/** The time in ms for which a chunk whose downloads all failed is evidence that this worker has lost the network. */
const evidenceMs = 60_000;

/**
 * The network of this worker, according to one chunk.
 *
 * - `lost`: every download failed with a network error, from three or more hosts
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

/** The network of this worker, according to the chunks of all tenants. */
export interface NetworkFault {
  add(tenant: string, evidence: NetworkEvidence): void;
  /** Returns the ms for which chunks of this tenant are still delayed on this worker, or 0. */
  restMs(tenant: string): number;
  /**
   * Returns true when all downloads of a chunk have recently failed for at least two tenants, and no host has responded
   * since. One tenant chooses its image hosts: 128 items with four unreachable hosts once stopped a worker for 75 s.
   */
  isForAll(): boolean;
}

/** @param restMs the delay in ms of chunks of a tenant after all downloads of one chunk have failed. */
export function createNetworkFault(restMs: number, now = () => performance.now()): NetworkFault {
  /** The time at which all downloads of a chunk last failed, by tenant. */
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
