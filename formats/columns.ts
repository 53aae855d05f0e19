import { ServiceError } from '../shared/errors.ts';
import type { ColumnNames } from './format.ts';

/** The delimiters that an error message suggests if the header row has another delimiter than expected. */
const delimiters = [',', ';', '\t', '|'];
/** The name of the id column in tables of the data set LAION, in lower case. */
const laionId = 'sample_id';

/**
 * Returns the column names in a header row. If several columns have no name, each of them is named after its position,
 * for example `column_3`.
 * @param label the name of the format, for error messages.
 * @throws {ServiceError} `request.invalid` when two columns have the same name.
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
 * Finds the columns of a header for the image, the text and the id of an item. An exact name takes precedence over a
 * name that differs only in case. If the requested id column is `id` and the table has none, the column `SAMPLE_ID` of
 * LAION's tables is used.
 * @param delimiter the delimiter of the header; absent in formats without delimiters. When a column is missing, the
 * error message suggests another delimiter if the header would have the column with it.
 * @throws {ServiceError} `request.invalid` when the header has no column for the image or the text.
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

/**
 * Returns the column with the requested name. If no column has it, returns a column whose name differs from it only in
 * case.
 * @throws {ServiceError} `request.invalid` when several column names differ from the requested one only in case.
 */
function findColumn(names: readonly string[], asked: string, label: string): string | undefined {
  if (names.includes(asked)) return asked;
  const alike = names.filter((name) => name.toLowerCase() === asked.toLowerCase());
  if (alike.length > 1)
    throw badHeader(
      label,
      `has ${alike.join(' and ')}; their names differ only in case; send the exact name of one of them`,
    );
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
  const looks = fits ? `. Its columns seem to be separated by ${JSON.stringify(fits)}` : '';
  const advice = fits
    ? `Set this separator with the query parameter ?delimiter=${encodeURIComponent(fits)}`
    : `Name another column with the query parameter ?${part}=NAME`;
  throw badHeader(label, `has no column ${asked[part]}; it has ${names.join(', ')}${looks}`, advice);
}

/** Checks a delimiter. @throws {ServiceError} `request.invalid` for a string that cannot be a delimiter. */
export function checkDelimiter(delimiter: string): void {
  if (!/["\r\n]/.test(delimiter)) return;
  const message = 'a quote or a line break cannot separate columns';
  throw new ServiceError('request.invalid', `delimiter: ${message}`, { faults: [{ path: 'delimiter', message }] });
}

/** Returns the error for a bad header row. @param advice a hint for callers of the API. */
export const badHeader = (label: string, problem: string, advice?: string): ServiceError =>
  new ServiceError('request.invalid', `The ${label} ${problem}${advice === undefined ? '' : `. ${advice}`}`, {
    faults: [{ path: 'header', message: problem }],
  });

function ordinal(position: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[position % 100 > 10 && position % 100 < 14 ? 0 : position % 10] ?? 'th';
  return `${position}${ending}`;
}
