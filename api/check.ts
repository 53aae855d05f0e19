import { z } from 'zod';
import { maxTexts } from '../shared/contracts/single.ts';
import { maxFaults, type RequestFault, ServiceError } from '../shared/errors.ts';

/**
 * Validates a part of a request against its contract.
 * @param where names the part, for an error that has no path.
 * @param most maximum length of a list that the contract allows.
 * @throws {ServiceError} `request.invalid` with the first errors and their paths.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string, most = maxTexts): z.output<S> {
  checkLists(value, most);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, where);
}

/**
 * Refuses a list that is longer than its contract allows before its entries are validated: sixteen million numbers in
 * place of texts would make sixteen million errors, which no memory can hold. `items` may be longer and has its own check.
 */
function checkLists(value: unknown, most: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [path, list] of Object.entries(value)) {
    if (path === 'items' || !Array.isArray(list) || list.length <= most) continue;
    const message = `has ${list.length} entries; at most ${most} are allowed`;
    throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
  }
}

export function invalid(error: z.ZodError, where: string): ServiceError {
  const { issues } = error;
  // A union that does not match reports an error for each member. The path is the useful part.
  const faults = issues
    .slice(0, maxFaults)
    .map(({ path, message }): RequestFault => ({ path: z.core.toDotPath(path) || where, message }));
  const text = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const more = issues.length - faults.length;
  return new ServiceError('request.invalid', more > 0 ? `${more + faults.length} errors: ${text}` : text, { faults });
}
