import type { StoredItem } from '../batches/store/payload.ts';
import type { LineOutcome } from '../evaluation/answer-lines.ts';
import type { Outcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

const networkCodes = new Set<Code>(['image.fetch.dns', 'image.fetch.network', 'image.fetch.timeout']);
const fewestHosts = 3;
/** The time in ms for which a chunk whose downloads all failed counts as evidence that the network is lost. */
const evidenceMs = 60_000;

/**
 * The state of the network of this worker, according to the outcomes of one chunk.
 *
 * - `lost`: every download failed with a network error, and the downloads were from three or more hosts
 * - `works`: a host has responded, even with a refusal
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

/** The state of the network of this worker, according to the chunks of all tenants. */
export interface NetworkFault {
  add(tenant: string, evidence: NetworkEvidence): void;
  /** Returns for how many further ms the chunks of this tenant are delayed on this worker; 0 when they are not. */
  restMs(tenant: string): number;
  /**
   * Returns true when the network is lost for all tenants: chunks of two tenants have found it lost, and no host has
   * responded since. Because a tenant chooses its image hosts, the evidence of one tenant counts only for its own
   * chunks. Without this rule, 128 items with four unreachable hosts stopped a worker for 75 s.
   */
  isForAll(): boolean;
}

/**
 * @param restMs the time in ms for which chunks of a tenant are delayed after one of its chunks has found the network
 * lost.
 */
export function createNetworkFault(restMs: number, now = () => performance.now()): NetworkFault {
  /** The time at which a chunk of each tenant last found the network lost. */
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
