/**
 * JSON of clients that is to come back as it was sent. Numbers that a double does not hold as they are written (whole
 * ones beyond 2^53, `1e400`, `1.0`) stay their text, as `JSON.rawJSON` has it; `JSON.stringify` writes it again.
 */

declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** A number that is its text. */
export interface RawNumber {
  readonly rawJSON: string;
}

/**
 * Numbers that may read otherwise when they are written again: with a fraction, an exponent, 16 digits, or a negative
 * zero. Reading every value through a function takes four times as long, and most lines have no such number.
 */
const unlikeNumber = /[:,[]\s*-?(?:\d{16}|\d+[.eE]|0(?=\s*[,}\]])(?<=-0))/;

/** Whether JSON text may have a number that {@link parseExactly} keeps as its text. */
export const hasUnlikeNumber = (json: string): boolean => unlikeNumber.test(json);

/**
 * Parses JSON; numbers that would change are {@link RawNumber}, but in browsers that do not have them yet.
 * @throws {SyntaxError}
 */
export function parseExactly(json: string): unknown {
  return unlikeNumber.test(json) && 'rawJSON' in JSON ? JSON.parse(json, keepNumber as Reviver) : JSON.parse(json);
}

type Reviver = (key: string, value: unknown) => unknown;

function keepNumber(_key: string, value: unknown, context: { source: string }): unknown {
  return typeof value === 'number' && JSON.stringify(value) !== context.source ? JSON.rawJSON(context.source) : value;
}

/** Whether a value has, at any depth, a number that is its text. */
export function hasRawNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (JSON.isRawJSON(value)) return true;
  for (const key in value) if (hasRawNumber((value as Record<string, unknown>)[key])) return true;
  return false;
}

/** An escape sequence of JSON; of halves of surrogate pairs, both together where both are there. */
const escapes =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[\s\S])/g;

/**
 * JSON text in which an escaped half of a surrogate pair is U+FFFD: half a pair is no character, and DuckDB, pyarrow and
 * jq stop at a file that has one.
 */
export const withoutHalfPairs = (json: string): string =>
  /\\u[dD][89a-fA-F]/.test(json) ? json.replaceAll(escapes, (found, half) => (half ? '\\ufffd' : found)) : json;

/** Characters that many readers of lines take for the end of a line, as Python's `splitlines` does. */
const lineBreaks = /[\u0085\u2028\u2029]/g;

/** JSON text without characters that end a line for anybody. They stand in strings alone, so they can be escaped. */
export const inOneLine = (json: string): string =>
  json.search(lineBreaks) < 0
    ? json
    : json.replaceAll(lineBreaks, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
