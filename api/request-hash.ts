import { createHash } from 'node:crypto';
import { type BatchQuery, batchQuery } from '../shared/contracts/batch.ts';

/**
 * Returns a hash over a request: over the hash of its body, and over the query options that differ from their defaults.
 */
export function requestHash(bodyHash: string, query: BatchQuery): string {
  const defaults: Record<string, unknown> = batchQuery.parse({});
  const given = Object.entries(query).filter(([name, value]) => value !== undefined && value !== defaults[name]);
  // Without options, the result must equal the hash that earlier releases stored.
  if (given.length === 0) return bodyHash;
  const options = JSON.stringify(given.sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(bodyHash).update(options).digest('hex');
}
