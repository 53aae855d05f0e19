/** Deepest nesting of objects and lists that is taken. Metadata of people has a few levels. */
export const maxJsonDepth = 64;

/**
 * Whether JSON nests deeper than {@link maxJsonDepth}: told from its text, since 32 MiB of brackets would become a
 * gigabyte of arrays by being parsed, and what was parsed could overflow the stack of whoever walks it.
 * Text that is no JSON may be judged either way.
 */
export function isTooDeep(json: string): boolean {
  // What is too short to be deep need not be looked at: a line of a batch in most cases.
  if (json.length < 2 * maxJsonDepth) return false;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case quote:
        at = endOfString(json, at);
        break;
      case openBracket:
      case openBrace:
        if (++depth > maxJsonDepth) return true;
        break;
      case closeBracket:
      case closeBrace:
        depth--;
        break;
    }
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Strings are jumped over: an inline image is one of millions of characters. */
function endOfString(json: string, from: number): number {
  for (let at = json.indexOf('"', from + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let escapes = 0;
    while (json.charCodeAt(at - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return json.length;
}
