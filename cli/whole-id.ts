import type { BatchList } from '../shared/contracts/batch/list.ts';
import type { ServiceClient } from './client.ts';
import { UsageError } from './failures.ts';

/** The beginning of an id. The list of batches and the page show its first eight characters. */
const beginning = /^[0-9a-f]{8}[0-9a-f-]{0,27}$/;

/**
 * Returns the id of the only batch whose id begins with `given`. Any other text stays unchanged, for the service to
 * refuse.
 * @throws {UsageError} when several ids begin so, or the list of batches is too long to tell.
 */
export async function wholeId(client: ServiceClient, given: string): Promise<string> {
  const start = given.toLowerCase();
  if (!beginning.test(start)) return given;
  const query = new URLSearchParams({ q: start, limit: '200' });
  const { batches, next } = await client.json<BatchList>(`/v1/evaluation/batch?${query}`);
  const ids = batches.map(({ id }) => id).filter((id) => id.startsWith(start));
  if (ids.length > 1)
    throw new UsageError(`Several batches begin with ${given}: ${ids.join(', ')}; give one of these ids`);
  // A later page may have another batch with this beginning.
  if (next !== null)
    throw new UsageError(`${given} is the beginning of an id, and there are many batches; give the whole id`);
  return ids[0] ?? given;
}
