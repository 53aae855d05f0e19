import { createHash } from 'node:crypto';
import { type BatchQuery, batchQuery } from '../shared/contracts/batch/post.ts';

/** Returns a hash of the body hash and the query options that differ from their defaults. */
export function requestHash(bodyHash: string, query: BatchQuery): string {
  const defaults: Record<string, unknown> = batchQuery.parse({});
  const given = Object.entries(query).filter(([name, value]) => value !== undefined && value !== defaults[name]);
  // Earlier releases stored the hash of the body alone.
  if (given.length === 0) return bodyHash;
  const options = JSON.stringify(given.sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(bodyHash).update(options).digest('hex');
}
