import { z } from 'zod';
import { maxTexts } from '../shared/contracts/single.ts';
import { maxFaults, type RequestFault, ServiceError } from '../shared/errors.ts';
import { type LongList, longListIn } from '../shared/long-lists.ts';
import { inOurWords } from '../shared/validation-words.ts';

/**
 * Validates part of a request against its schema.
 * @param where names the part in errors without a path.
 * @param most the maximum length of every list. Without it, only top-level lists are checked, against the maximum
 * number of texts; `items` is checked elsewhere.
 * @throws {ServiceError} `request.invalid` with the first errors and their paths.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string, most?: number): z.output<S> {
  checkLists(value, most);
  const parsed = schema.safeParse(value, { error: inOurWords });
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, where);
}

/** Refuses a list that is too long before validating its entries; see {@link longListIn}. */
function checkLists(value: unknown, most: number | undefined): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const limit = most ?? maxTexts;
  const long = most === undefined ? longListAtTop(value) : longListIn(value, limit);
  if (long === undefined) return;
  const { path, length } = long;
  const message = `has ${length} entries; at most ${limit} are allowed`;
  throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
}

function longListAtTop(value: object): LongList | undefined {
  for (const [path, list] of Object.entries(value)) {
    if (path !== 'items' && Array.isArray(list) && list.length > maxTexts) return { path, length: list.length };
  }
  return undefined;
}

export function invalid(error: z.ZodError, where: string): ServiceError {
  const { issues } = error;
  // For a value that matches no member of a union, zod also lists the errors of each member. Only the path of the value
  // is reported.
  const faults = issues
    .slice(0, maxFaults)
    .map(({ path, message }): RequestFault => ({ path: z.core.toDotPath(path) || where, message }));
  const text = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const more = issues.length - faults.length;
  return new ServiceError('request.invalid', more > 0 ? `${more + faults.length} errors: ${text}` : text, { faults });
}
