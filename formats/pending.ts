/** Text whose end has not arrived, in the parts in which it came. */
export interface PendingText {
  add(part: string): void;
  /** Returns the text and forgets it. */
  take(): string;
  /** In characters. */
  readonly length: number;
  /** Memory of the text, in bytes, once it is one string. */
  readonly bytes: number;
}

export function createPendingText(): PendingText {
  let parts: string[] = [];
  let length = 0;
  let isWide = false;
  return {
    add(part) {
      parts.push(part);
      length += part.length;
      isWide ||= isTwoByte(part);
    },
    take() {
      const text = parts.join('');
      parts = [];
      length = 0;
      isWide = false;
      return text;
    },
    get length() {
      return length;
    },
    get bytes() {
      return isWide ? 2 * length : length;
    },
  };
}

/** V8 stores a string in one byte a character when all of them are Latin-1, and in two otherwise. */
export const isTwoByte = (text: string): boolean => /[^\0-\xff]/.test(text);
