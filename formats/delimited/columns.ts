import { ServiceError } from '../../shared/errors.ts';

/** Which columns are what. */
export interface CsvColumns {
  image: string;
  text: string;
  id: string;
}

/** Delimiters that people use. */
const delimiters = [',', ';', '\t', '|'];
/** The column with the id in the tables of LAION. */
const laionId = 'sample_id';

/**
 * The names of a header row. Columns without a name are called `column_3` by their place, where there are several.
 * @throws {ServiceError} `request.invalid` for a name that two columns have.
 */
export function headerOf(row: readonly string[]): string[] {
  const trimmed = row.map((name) => name.trim());
  const unnamed = trimmed.filter((name) => name === '').length;
  const names = trimmed.map((name, at) => (name === '' && unnamed > 1 ? `column_${at + 1}` : name));
  const places = new Map<string, number>();
  for (const [at, name] of names.entries()) {
    const before = places.get(name);
    if (before !== undefined) {
      throw badHeader(
        `The CSV has two columns ${name}, the ${ordinal(before + 1)} and the ${ordinal(at + 1)}; rename one`,
      );
    }
    places.set(name, at);
  }
  return names;
}

/**
 * The columns of a header that are meant: by their exact names, otherwise in whatever case. Without a column `id`,
 * LAION's `SAMPLE_ID` is the id.
 * @param delimiter what the header was split by; the message names another one that fits.
 * @throws {ServiceError} `request.invalid` without a column for image or text.
 */
export function findColumns(names: readonly string[], asked: CsvColumns, delimiter: string): CsvColumns {
  return {
    image: find(names, asked.image) ?? lacks('image', names, asked, delimiter),
    text: find(names, asked.text) ?? lacks('text', names, asked, delimiter),
    id: find(names, asked.id) ?? (asked.id === 'id' ? find(names, laionId) : undefined) ?? asked.id,
  };
}

/** @throws {ServiceError} `request.invalid` when several names differ from it in case alone. */
function find(names: readonly string[], asked: string): string | undefined {
  if (names.includes(asked)) return asked;
  const alike = names.filter((name) => name.toLowerCase() === asked.toLowerCase());
  if (alike.length > 1) throw badHeader(`The CSV has ${alike.join(' and ')}; name the one that is meant`);
  return alike[0];
}

function lacks(part: 'image' | 'text', names: readonly string[], asked: CsvColumns, delimiter: string): never {
  const fits = delimiters.find((other) => {
    const split = names.join(delimiter).split(other);
    return other !== delimiter && split.length > 1 && find(split, asked.image) && find(split, asked.text);
  });
  const found = `The CSV has no column ${asked[part]}; it has ${names.join(', ')}`;
  const advice =
    fits === undefined
      ? `The query ?${part}=NAME chooses another`
      : `Its columns look separated by ${JSON.stringify(fits)}: the query ?delimiter=${encodeURIComponent(fits)} says so`;
  throw badHeader(`${found}. ${advice}`);
}

/** @throws {ServiceError} `request.invalid` for what cannot separate columns. */
export function checkDelimiter(delimiter: string): void {
  if (!/["\r\n]/.test(delimiter)) return;
  const message = 'a quote or a line break cannot separate columns';
  throw new ServiceError('request.invalid', `delimiter: ${message}`, { faults: [{ path: 'delimiter', message }] });
}

export const badHeader = (message: string): ServiceError =>
  new ServiceError('request.invalid', message, { faults: [{ path: 'header', message }] });

function ordinal(place: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[place % 100 > 10 && place % 100 < 14 ? 0 : place % 10] ?? 'th';
  return `${place}${ending}`;
}
