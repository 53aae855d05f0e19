/** Stores the text of an incomplete line or item, as a list of strings. */
export interface PendingText {
  add(part: string): void;
  /** Returns the whole text, and clears the store. */
  take(): string;
  /** The length of the text in characters. */
  readonly length: number;
  /** The memory in bytes of the text after its strings have been joined. */
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

/**
 * Returns true for text that contains characters outside Latin-1. V8 stores such text with two bytes for each
 * character, and other text with one byte.
 */
export const isTwoByte = (text: string): boolean => /[^\0-\xff]/.test(text);
