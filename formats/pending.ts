/** Text whose end has not arrived, as a list of parts. */
export interface PendingText {
  add(part: string): void;
  /** Returns the text and clears it. */
  take(): string;
  /** In characters. */
  readonly length: number;
  /** Memory of the joined text, in bytes. */
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

/** V8 stores a string with one byte a character if all are Latin-1, else with two. */
export const isTwoByte = (text: string): boolean => /[^\0-\xff]/.test(text);
