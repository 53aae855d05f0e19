import { ServiceError } from '../shared/errors.ts';

/**
 * The maximum number of consecutive characters without an item, such as blank lines. Real files have far fewer. Without
 * this limit, 40 KB of gzip could expand to 400 MB of blank lines.
 */
export const maxBlankLength = 16 * 1024 * 1024;

/** Counts consecutive characters without an item, such as blank lines. */
export interface BlankText {
  /**
   * Adds the next characters of the text to the count.
   * @param length the number of these characters, not counting an incomplete item at their end.
   * @param hasItems true when they complete an item. The count then restarts from 0.
   * @throws {ServiceError} `request.invalid` when more than {@link maxBlankLength} consecutive characters contain no
   * item.
   */
  add(length: number, hasItems: boolean): void;
}

/** Creates a counter. @param label the name of the format, for the error message. */
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
