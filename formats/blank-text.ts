import { ServiceError } from '../shared/errors.ts';

/**
 * The maximum number of consecutive characters without an item. Without it, 40 KB of gzip could expand to 400 MB of
 * blank lines.
 */
export const maxBlankLength = 16 * 1024 * 1024;

export interface BlankText {
  /**
   * Adds the next characters to the count.
   * @param length their number, without an incomplete item at their end.
   * @param hasItems true when they complete an item, which resets the count.
   * @throws {ServiceError} `request.invalid` above {@link maxBlankLength} characters in a row.
   */
  add(length: number, hasItems: boolean): void;
}

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
