/** Collects the text of an incomplete line or item. */
export interface PendingText {
  add(part: string): void;
  /** Returns the whole text, and clears the store. */
  take(): string;
  readonly length: number;
  /** The memory of the joined text in bytes. */
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

/** Returns true for characters outside Latin-1. V8 then stores two bytes per character instead of one. */
export const isTwoByte = (text: string): boolean => /[^\0-\xff]/.test(text);
