/** Text that is not complete yet, stored as a list of parts. */
export interface PendingText {
  add(part: string): void;
  /** Returns the text and clears it. */
  take(): string;
  /** In characters. */
  readonly length: number;
  /** The memory in bytes of all parts joined. */
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
 * Returns true for text with characters outside Latin-1. V8 stores such text with two bytes a character, other text
 * with one.
 */
export const isTwoByte = (text: string): boolean => /[^\0-\xff]/.test(text);
