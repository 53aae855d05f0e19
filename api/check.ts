import { z } from 'zod';
import { maxTexts } from '../shared/contracts/single.ts';
import { maxFaults, type RequestFault, ServiceError } from '../shared/errors.ts';

/**
 * Checks a part of a request against its contract.
 * @throws {ServiceError} `request.invalid` with the first faults and their places.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  checkLists(value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, where);
}

/**
 * A list that is longer than its contract allows is refused before its entries are checked: sixteen million numbers in
 * place of texts would be sixteen million faults, and more memory than there is. `items` may be longer and has its own
 * check.
 */
function checkLists(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [path, list] of Object.entries(value)) {
    if (path === 'items' || !Array.isArray(list) || list.length <= maxTexts) continue;
    const message = `a list of ${list.length} entries, more than ${maxTexts}`;
    throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
  }
}

export function invalid(error: z.ZodError, where: string): ServiceError {
  const { issues } = error;
  // A union that matches nothing says so for each of its members; the place is what helps.
  const faults = issues
    .slice(0, maxFaults)
    .map(({ path, message }): RequestFault => ({ path: z.core.toDotPath(path) || where, message }));
  const told = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const more = issues.length - faults.length;
  return new ServiceError('request.invalid', more > 0 ? `${more + faults.length} faults: ${told}` : told, { faults });
}
