import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../../shared/json-shape.ts';
import type { StoredItem } from '../payload.ts';
import { badItem, type Strictness, toStoredItem } from './items.ts';

/** Longest line, in bytes: an inline image of 20 MB as base64, and room for its text and metadata. */
const maxLineBytes = 32 * 1024 * 1024;
const newline = 0x0a;

/**
 * Items of newline-delimited JSON, as the bytes arrive; empty lines are passed over.
 * A line that is no item, or too long, becomes a failed item that names its line.
 * @param reshape makes an item of what a line says, where its fields have other names.
 * @throws {ServiceError} `request.invalid` for such a line, when strict.
 */
export async function* itemsOfNdjson(
  bytes: AsyncIterable<Buffer>,
  strictness: Strictness,
  reshape: (raw: unknown) => unknown = (raw) => raw,
): AsyncGenerator<StoredItem[]> {
  let line = 0;
  /** Beginning of a line whose end has not arrived. */
  let rest: Buffer[] = [];
  let restBytes = 0;
  let tooLong = false;

  const read = (untrimmed: string): StoredItem | undefined => {
    line++;
    // Also takes a byte order mark away.
    const text = untrimmed.trim();
    if (text === '') return undefined;
    const where = `line ${line}`;
    const fault = shapeFaultOf(text);
    if (fault === 'too_deep') {
      const message = `nested deeper than ${maxJsonDepth} levels`;
      return badItem([{ path: '', message }], where, strictness, {}, 'item.too_deep');
    }
    if (fault === 'too_wide') {
      const message = `an object of it has more than ${maxJsonKeys} keys`;
      return badItem([{ path: '', message }], where, strictness);
    }
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch (error) {
      return badItem([{ path: '', message: `not JSON (${(error as Error).message})` }], where, strictness);
    }
    return toStoredItem(reshape(raw), where, strictness);
  };
  const readTooLong = (): StoredItem => {
    line++;
    tooLong = false;
    const faults = [{ path: '', message: `longer than ${maxLineBytes} bytes` }];
    return badItem(faults, `line ${line}`, strictness, {}, 'item.too_large');
  };

  for await (const chunk of bytes) {
    const items: StoredItem[] = [];
    const add = (item: StoredItem | undefined) => {
      if (item !== undefined) items.push(item);
    };
    let from = 0;
    const first = chunk.indexOf(newline);
    if (first >= 0) {
      // The line that began in earlier chunks ends here.
      if (tooLong) add(readTooLong());
      else add(read(Buffer.concat([...rest, chunk.subarray(0, first)]).toString('utf8')));
      rest = [];
      restBytes = 0;
      const last = chunk.lastIndexOf(newline);
      // The whole lines between, as one string: a conversion for each would cost more than parsing it.
      if (last > first) for (const text of chunk.toString('utf8', first + 1, last).split('\n')) add(read(text));
      from = last + 1;
    }
    if (from < chunk.length && !tooLong) {
      rest.push(chunk.subarray(from));
      restBytes += chunk.length - from;
      if (restBytes > maxLineBytes) {
        tooLong = true;
        rest = [];
      }
    }
    yield items;
  }
  if (tooLong) yield [readTooLong()];
  else {
    const last = read(Buffer.concat(rest).toString('utf8'));
    if (last !== undefined) yield [last];
  }
}
