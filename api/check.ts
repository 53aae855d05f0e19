import { z } from 'zod';
import { maxTexts } from '../shared/contracts/single.ts';
import { maxFaults, type RequestFault, ServiceError } from '../shared/errors.ts';
import { type LongList, longListIn } from '../shared/long-lists.ts';

/**
 * Validates a part of a request against its schema.
 * @param where the name of the validated part. It is used in an error that has no path of its own.
 * @param most the maximum length of every list in the value. Without it, only the lists at the top level are checked,
 * and each may have as many entries as a list of texts. Then the list `items` is not checked, because other code checks
 * its length.
 * @throws {ServiceError} `request.invalid` with the first errors and their paths.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string, most?: number): z.output<S> {
  checkLists(value, most);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, where);
}

/** Refuses a list that is too long, before its entries are validated. {@link longListIn} explains why. */
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
  // For a value that matches no member of a union, zod also reports the errors of each member in detail. The caller
  // needs only the path of the value.
  const faults = issues
    .slice(0, maxFaults)
    .map(({ path, message }): RequestFault => ({ path: z.core.toDotPath(path) || where, message }));
  const text = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const more = issues.length - faults.length;
  return new ServiceError('request.invalid', more > 0 ? `${more + faults.length} errors: ${text}` : text, { faults });
}
