import { parseExactly, withoutHalfPairs } from '../shared/exact-json.ts';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../shared/json-shape.ts';
import { badItem, type ItemFault, type ReadItem, type Strictness, toStoredItem } from './items.ts';
import { decodeText, undecodable } from './text.ts';

/** Longest line, in characters: an inline image of 20 MB as base64, and room for its text and metadata. */
const maxLineLength = 32 * 1024 * 1024;

export interface NdjsonOptions {
  /** The encoding that was declared, by its name in the Encoding Standard. */
  encoding?: string | undefined;
  /** Makes an item of what a line says, where its fields have other names. */
  reshape?: ((raw: unknown) => unknown) | undefined;
}

/**
 * Items of newline-delimited JSON, as the bytes arrive; empty lines are passed over.
 * A line that is no item, or too long, becomes a failed item that names its line.
 * @throws {ServiceError} `request.invalid` for such a line, when strict.
 */
export async function* itemsOfNdjson(
  bytes: AsyncIterable<Buffer>,
  strictness: Strictness,
  { encoding: declared, reshape = (raw) => raw }: NdjsonOptions = {},
): AsyncGenerator<ReadItem[]> {
  const { parts, encoding } = decodeText(bytes, declared);
  let line = 0;
  /** Beginning of a line whose end has not arrived. */
  let rest: string[] = [];
  let restLength = 0;
  let tooLong = false;

  const read = (untrimmed: string): ReadItem | undefined => {
    line++;
    const text = untrimmed.trim();
    if (text === '') return undefined;
    const bad = (message: string, code?: ItemFault) =>
      badItem([{ path: '', message }], `line ${line}`, strictness, {}, code);
    if (!text.isWellFormed()) return bad(undecodable(text, encoding()), 'item.encoding');
    const fault = shapeFaultOf(text);
    if (fault === 'too_deep') return bad(`nested deeper than ${maxJsonDepth} levels`, 'item.too_deep');
    if (fault === 'too_wide') return bad(`an object of it has more than ${maxJsonKeys} keys`);
    let raw: unknown;
    try {
      raw = parseExactly(withoutHalfPairs(text));
    } catch (error) {
      return bad(notJson(text, error as Error));
    }
    return toStoredItem(reshape(raw), `line ${line}`, strictness);
  };
  const readTooLong = (): ReadItem => {
    line++;
    tooLong = false;
    const faults = [{ path: '', message: `longer than ${maxLineLength} characters` }];
    return badItem(faults, `line ${line}`, strictness, {}, 'item.too_large');
  };

  for await (const part of parts) {
    const items: ReadItem[] = [];
    const add = (item: ReadItem | undefined) => {
      if (item !== undefined) items.push(item);
    };
    let from = 0;
    const first = part.indexOf('\n');
    if (first >= 0) {
      // The line that began in earlier parts ends here.
      if (tooLong) add(readTooLong());
      else add(read(rest.join('') + part.slice(0, first)));
      rest = [];
      restLength = 0;
      const last = part.lastIndexOf('\n');
      if (last > first) for (const text of part.slice(first + 1, last).split('\n')) add(read(text));
      from = last + 1;
    }
    if (from < part.length && !tooLong) {
      rest.push(part.slice(from));
      restLength += part.length - from;
      if (restLength > maxLineLength) {
        tooLong = true;
        rest = [];
      }
    }
    yield items;
  }
  if (tooLong) yield [readTooLong()];
  else {
    const last = read(rest.join(''));
    if (last !== undefined) yield [last];
  }
}

/** Why a line is not JSON, as far as the parser says it. */
function notJson(text: string, { message }: Error): string {
  const name = /[:,[]\s*(NaN|-?Infinity)\b/.exec(text)?.[1];
  if (name !== undefined) return `not JSON: it has ${name}, which JSON does not have; write null`;
  const position = /at position (\d+)/.exec(message)?.[1];
  if (message.includes('end of JSON') || Number(position) === text.length) {
    return 'not JSON: it ends in the middle of an item';
  }
  return position === undefined ? 'not JSON' : `not JSON at character ${Number(position) + 1}`;
}
