/**
 * Returns JSON to clients exactly as they sent it. Numbers that JavaScript would write differently (beyond 2^53,
 * `1e400`, `1.0`) are stored as text with `JSON.rawJSON`.
 */

declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** A number in its original spelling. */
export interface RawNumber {
  readonly rawJSON: string;
}

/**
 * Matches numbers whose spelling may change: with a fraction, an exponent or 16 digits, and negative zero. This check
 * takes a quarter of the time of a reviver, and most lines have no such number.
 */
const unlikeNumber = /[:,[]\s*-?(?:\d{16}|\d+[.eE]|0(?=\s*[,}\]])(?<=-0))/;

/** Returns true if a JSON text may contain a number that {@link parseExactly} stores as text. */
export const hasUnlikeNumber = (json: string): boolean => unlikeNumber.test(json);

/**
 * Parses JSON. Numbers whose spelling would change become {@link RawNumber}, except in browsers without `JSON.rawJSON`.
 * @throws {SyntaxError}
 */
export function parseExactly(json: string): unknown {
  return unlikeNumber.test(json) && 'rawJSON' in JSON ? JSON.parse(json, keepNumber as Reviver) : JSON.parse(json);
}

type Reviver = (key: string, value: unknown) => unknown;

function keepNumber(_key: string, value: unknown, context: { source: string }): unknown {
  return typeof value === 'number' && JSON.stringify(value) !== context.source ? JSON.rawJSON(context.source) : value;
}

/** Returns true if a value has, at any depth, a number that is stored as text. */
export function hasRawNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (JSON.isRawJSON(value)) return true;
  for (const key in value) if (hasRawNumber((value as Record<string, unknown>)[key])) return true;
  return false;
}

/** Matches a JSON escape sequence; both halves of a surrogate pair are one match. */
const escapes =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[\s\S])/g;

/** Replaces escaped lone surrogates by U+FFFD, because DuckDB, pyarrow and jq reject files with them. */
export const withoutHalfPairs = (json: string): string =>
  /\\u[dD][89a-fA-F]/.test(json) ? json.replaceAll(escapes, (found, half) => (half ? '\\ufffd' : found)) : json;

/** Characters that line readers such as Python's `splitlines` treat as the end of a line. */
const lineBreaks = /[\u0085\u2028\u2029]/g;

/** Escapes {@link lineBreaks}, so that every line reader sees one line. In JSON, they occur only within strings. */
export const inOneLine = (json: string): string =>
  json.search(lineBreaks) < 0
    ? json
    : json.replaceAll(lineBreaks, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
