import { parseExactly, withoutHalfPairs } from '../shared/exact-json.ts';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../shared/json-shape.ts';
import { inWords } from '../shared/validation-words.ts';

/** Parses the JSON of an item, or returns the reason why the item fails. The page uses this function too. */
export function parseItem(text: string): { raw: unknown } | { fault: string; code?: 'item.too_deep' } {
  const shape = shapeFaultOf(text);
  if (shape === 'too_deep') return { fault: `nested deeper than ${maxJsonDepth} levels`, code: 'item.too_deep' };
  if (shape === 'too_wide') return { fault: `it has an object with more than ${maxJsonKeys} keys` };
  try {
    return { raw: parseExactly(withoutHalfPairs(text)) };
  } catch (error) {
    return { fault: notJson(text, error as Error) };
  }
}

/** Returns why a text is not JSON, from the parser's error message. */
function notJson(text: string, { message }: Error): string {
  const name = /[:,[]\s*(NaN|-?Infinity)\b/.exec(text)?.[1];
  if (name !== undefined) return `not JSON: ${name} is not a value of JSON; write null`;
  const position = /at position (\d+)/.exec(message)?.[1];
  if (message.includes('end of JSON') || Number(position) === text.length) {
    return 'not JSON: it ends in the middle of an item';
  }
  return position === undefined ? 'not JSON' : `not JSON at character ${Number(position) + 1}`;
}

export const isObject = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw);

/** Returns the fault of an item that is not an object. */
export const notObject = (raw: unknown): string => `${inWords(raw)}, but an object with image and text is expected`;
