/** Deepest nesting of objects and lists that is taken. Metadata of people has a few levels. */
export const maxJsonDepth = 64;
/** Most keys of one object. V8 needs 0.7 s to parse an object of 400,000, and 3 ms for each of this size. */
export const maxJsonKeys = 10_000;

/** The part of a JSON text that makes it too costly to parse. */
export type ShapeFault = 'too_deep' | 'too_wide';

/**
 * Finds JSON that nests deeper than {@link maxJsonDepth}, or has an object of more than {@link maxJsonKeys} keys. The
 * text is searched, and not the value: 32 MiB of brackets would become a gigabyte of arrays by being parsed, and what was
 * parsed could overflow the stack of whoever walks it. Text that is not JSON may be judged either way.
 */
export function shapeFaultOf(json: string): ShapeFault | undefined {
  // What is too short to be deep need not be looked at: a line of a batch in most cases.
  if (json.length < 2 * maxJsonDepth) return undefined;
  let depth = 0;
  /** Colons so far in the open object or list of each depth: one for each key. */
  const keys = new Uint32Array(maxJsonDepth + 1);
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case quote:
        at = endOfString(json, at);
        break;
      case colon: {
        const count = (keys[depth] ?? 0) + 1;
        if (count > maxJsonKeys) return 'too_wide';
        keys[depth] = count;
        break;
      }
      case openBracket:
      case openBrace:
        if (++depth > maxJsonDepth) return 'too_deep';
        keys[depth] = 0;
        break;
      case closeBracket:
      case closeBrace:
        depth--;
        break;
    }
  }
  return undefined;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
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
