import { ServiceError } from '../shared/errors.ts';

/**
 * The maximum number of characters in a row without an item. Real files have far fewer. Without the limit, 40 KB of
 * gzip can expand to 400 MB of blank lines.
 */
export const maxBlankLength = 16 * 1024 * 1024;

/** Counts characters that contain no item, such as blank lines. */
export interface BlankText {
  /**
   * Counts a part of the text.
   * @param length the characters of the part, without those of an incomplete item.
   * @throws {ServiceError} `request.invalid` when more than {@link maxBlankLength} characters in a row contain no item.
   */
  add(length: number, hasItems: boolean): void;
}

/** @param label the name of the format, for the error. */
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
