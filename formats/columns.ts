import { type RequestFault, ServiceError } from '../shared/errors.ts';
import type { ColumnNames } from './format.ts';

/** The error for a table without a column for the image or the text. */
export class MissingColumn extends ServiceError {
  readonly columns: readonly string[];
  /** The delimiter that seems to be right, if it is another one. */
  readonly split: Split | undefined;

  constructor(label: string, problem: string, advice: string, columns: readonly string[], split: Split | undefined) {
    super('request.invalid', ...headerFault(label, problem, advice));
    this.columns = columns;
    this.split = split;
  }
}

/** A header that is split at another delimiter. */
export interface Split {
  delimiter: string;
  columns: readonly string[];
  /** True if it has the columns that are asked for. */
  isComplete: boolean;
}

/** The delimiters that the error for a missing column can suggest. */
const delimiters = [',', ';', '\t', '|'];
/** The id column of the LAION data set's tables, in lower case. */
const laionId = 'sample_id';

/**
 * Returns the column names in a header row. Several unnamed columns are named by position, such as `column_3`.
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
 * Finds the columns for image, text and id. An exact match wins over a name that differs only in case. The id column
 * `id` falls back to `SAMPLE_ID`, as in LAION's tables.
 * @param delimiter the header's delimiter. If another gives the missing column, or more columns, the error suggests it.
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
 * Returns the column with this name, or else the one that differs only in case.
 * @throws {ServiceError} `request.invalid` when several differ only in case.
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
  const has = (columns: readonly string[], name: string) =>
    columns.some((column) => column.toLowerCase() === name.toLowerCase());
  const splits = delimiters
    .filter((other) => delimiter !== undefined && other !== delimiter)
    .map((other): Split => {
      const columns = names.join(delimiter).split(other).map(unquoted);
      return { delimiter: other, columns, isComplete: has(columns, asked.image) && has(columns, asked.text) };
    });
  const fits =
    splits.find(({ columns, isComplete }) => columns.length > 1 && isComplete) ??
    splits.find(({ columns }) => columns.length > names.length);
  const looks = fits ? `. Its columns seem to be separated by ${JSON.stringify(fits.delimiter)}` : '';
  const advice = [
    ...(fits ? [`Set this separator with the query parameter ?delimiter=${encodeURIComponent(fits.delimiter)}`] : []),
    ...(fits?.isComplete ? [] : [`Name another column with the query parameter ?${part}=NAME`]),
  ];
  const problem = `has no column ${asked[part]}; it has ${names.join(', ')}${looks}`;
  throw new MissingColumn(label, problem, advice.join('. '), names, fits);
}

/** A name in quotes keeps them at a wrong delimiter. */
const unquoted = (name: string): string => name.trim().replace(/^"(.*)"$/, '$1');

export const badHeader = (label: string, problem: string, advice?: string): ServiceError =>
  new ServiceError('request.invalid', ...headerFault(label, problem, advice));

const headerFault = (label: string, problem: string, advice?: string): [string, { faults: RequestFault[] }] => [
  `The ${label} ${problem}${advice === undefined ? '' : `. ${advice}`}`,
  { faults: [{ path: 'header', message: problem }] },
];

function ordinal(position: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[position % 100 > 10 && position % 100 < 14 ? 0 : position % 10] ?? 'th';
  return `${position}${ending}`;
}
