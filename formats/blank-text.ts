import { ServiceError } from '../shared/errors.ts';

/**
 * Maximum characters in a row without an item. Real files have far fewer; 40 KB of gzip can hold 400 MB of blank lines.
 */
export const maxBlankLength = 16 * 1024 * 1024;

/** Counts text without items. */
export interface BlankText {
  /**
   * Counts a part of the text.
   * @param length characters of the part, without those of an item that is still open.
   * @throws {ServiceError} `request.invalid` when more than {@link maxBlankLength} characters in a row had no item.
   */
  add(length: number, hasItems: boolean): void;
}

/** @param label of the format, for the error. */
export function createBlankText(label: string): BlankText {
  let blank = 0;
  return {
    add(length, hasItems) {
      blank = hasItems ? 0 : blank + length;
      if (blank <= maxBlankLength) return;
      const problem = `has ${maxBlankLength} characters of blank lines in a row`;
      throw new ServiceError('request.invalid', `The ${label} ${problem}`, {
        faults: [{ path: 'file', message: problem }],
      });
    },
  };
}
