import { InvalidArgumentError } from 'commander';
import { delimiterExpected, isDelimiter } from '../shared/delimiter.ts';

/** Returns a parser for a numeric flag. Its error states the valid values. */
const numberWhere = (isValid: (value: number) => boolean, expected: string) => (text: string) => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (isValid(value)) return value;
  throw new InvalidArgumentError(`Expected ${expected}.`);
};

export const atLeast = (least: number) =>
  numberWhere((value) => Number.isInteger(value) && value >= least, `a whole number of ${least} or more`);

export const between = (least: number, most: number) =>
  numberWhere(
    (value) => Number.isInteger(value) && value >= least && value <= most,
    `a whole number from ${least} to ${most}`,
  );

export const share = numberWhere((value) => value >= 0 && value <= 1, 'a number from 0 to 1');

export const hoursBetween = (least: number, most: number) =>
  numberWhere((value) => value >= least && value <= most, `a number of hours from ${least} to ${most}`);

export const scoreLimit = numberWhere((value) => value >= 0 && value <= 100, 'a score from 0 to 100');

/** Parses the separator of columns. `tab` is accepted too, because a shell makes a tab hard to type. */
export function columnSeparator(text: string): string {
  if (text === 'tab' || text === '\\t') return '\t';
  if (isDelimiter(text)) return text;
  throw new InvalidArgumentError(`Expected ${delimiterExpected}, or the word tab.`);
}
