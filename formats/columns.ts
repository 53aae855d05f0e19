import { ServiceError } from '../shared/errors.ts';
import type { ColumnNames } from './format.ts';

/** Delimiters in use. */
const delimiters = [',', ';', '\t', '|'];
/** Column of the id in the tables of LAION. */
const laionId = 'sample_id';

/**
 * Returns the names of a header row. Columns without a name are called `column_3` by their position, where there are
 * several.
 * @param label of the format, for messages.
 * @throws {ServiceError} `request.invalid` for a name that two columns have.
 */
export function headerOf(row: readonly string[], label: string): string[] {
  const trimmed = row.map((name) => name.trim());
  const unnamed = trimmed.filter((name) => name === '').length;
  const names = trimmed.map((name, at) => (name === '' && unnamed > 1 ? `column_${at + 1}` : name));
  const positions = new Map<string, number>();
  for (const [at, name] of names.entries()) {
    const before = positions.get(name);
    if (before !== undefined) {
      throw badHeader(
        label,
        `has two columns ${name}, the ${ordinal(before + 1)} and the ${ordinal(at + 1)}; rename one`,
      );
    }
    positions.set(name, at);
  }
  return names;
}

/**
 * Finds the columns of an item in a header: by their exact names, otherwise in any case. Without a column `id`, LAION's
 * `SAMPLE_ID` is the id.
 * @param delimiter that the header was split by; absent in formats without one. The message names another that fits.
 * @throws {ServiceError} `request.invalid` without a column for image or text.
 */
export function findColumns(
  names: readonly string[],
  asked: ColumnNames,
  label: string,
  delimiter?: string,
): ColumnNames {
  const find = (name: string) => findColumn(names, name, label);
  const required = (part: 'image' | 'text') => find(asked[part]) ?? lacks(part, names, asked, label, delimiter);
  return {
    image: required('image'),
    text: required('text'),
    id: find(asked.id) ?? (asked.id === 'id' ? find(laionId) : undefined) ?? asked.id,
  };
}

/** @throws {ServiceError} `request.invalid` when several names differ from it in case alone. */
function findColumn(names: readonly string[], asked: string, label: string): string | undefined {
  if (names.includes(asked)) return asked;
  const alike = names.filter((name) => name.toLowerCase() === asked.toLowerCase());
  if (alike.length > 1) throw badHeader(label, `has ${alike.join(' and ')}; name the one that is meant`);
  return alike[0];
}

function lacks(
  part: 'image' | 'text',
  names: readonly string[],
  asked: ColumnNames,
  label: string,
  delimiter?: string,
): never {
  const fits =
    delimiter &&
    delimiters.find((other) => {
      const split = names.join(delimiter).split(other);
      const has = (name: string) => findColumn(split, name, label) !== undefined;
      return other !== delimiter && split.length > 1 && has(asked.image) && has(asked.text);
    });
  const looks = fits ? `. Its columns look separated by ${JSON.stringify(fits)}` : '';
  const advice = fits
    ? `The query ?delimiter=${encodeURIComponent(fits)} says so`
    : `The query ?${part}=NAME chooses another`;
  throw badHeader(label, `has no column ${asked[part]}; it has ${names.join(', ')}${looks}`, advice);
}

/** @throws {ServiceError} `request.invalid` for a string that cannot be a delimiter. */
export function checkDelimiter(delimiter: string): void {
  if (!/["\r\n]/.test(delimiter)) return;
  const message = 'a quote or a line break cannot separate columns';
  throw new ServiceError('request.invalid', `delimiter: ${message}`, { faults: [{ path: 'delimiter', message }] });
}

/** @param advice for callers of the API. */
export const badHeader = (label: string, problem: string, advice?: string): ServiceError =>
  new ServiceError('request.invalid', `The ${label} ${problem}${advice === undefined ? '' : `. ${advice}`}`, {
    faults: [{ path: 'header', message: problem }],
  });

function ordinal(position: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[position % 100 > 10 && position % 100 < 14 ? 0 : position % 10] ?? 'th';
  return `${position}${ending}`;
}
