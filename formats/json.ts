import { ServiceError } from '../shared/errors.ts';
import type { ReadOptions, ReadStream } from './format.ts';
import type { ReadItem } from './items.ts';
import { createJsonItems, maxItemLength } from './json-item.ts';
import { itemsOfLines } from './ndjson.ts';
import { createPendingText } from './pending.ts';
import { decodeText, type Text } from './text.ts';

/**
 * Reads a JSON array of items. A file that begins with an object is read as NDJSON, which many programs also name
 * `.json`.
 */
const readStream: ReadStream = (bytes, options) => ({
  items: itemsOfDocument(decodeText(bytes, options.encoding), options),
  header: () => undefined,
});

async function* itemsOfDocument({ parts, encoding }: Text, options: ReadOptions): AsyncGenerator<ReadItem[]> {
  const iterator = parts[Symbol.asyncIterator]();
  let start = '';
  while (start === '') {
    const next = await iterator.next();
    if (next.done) return;
    start = next.value.trimStart();
    // An empty group shows that bytes have arrived.
    yield [];
  }
  const text = { parts: joined(start, iterator), encoding };
  if (start.startsWith('{')) yield* itemsOfLines(text, options);
  else if (start.startsWith('[')) yield* itemsOfArray(text, options);
  else throw malformed('must be an array of items, or have one object on each line');
}

async function* joined(start: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* itemsOfArray({ parts, encoding }: Text, options: ReadOptions): AsyncGenerator<ReadItem[]> {
  const items = createJsonItems(options, encoding);
  const pending = createPendingText();
  let state: 'before' | 'inside' | 'behind' = 'before';
  let index = 0;
  let depth = 0;
  let isString = false;
  let isEscaped = false;
  let isTooLong = false;

  const hold = (text: string) => {
    if (!isTooLong) pending.add(text);
    if (pending.length <= maxItemLength) return;
    isTooLong = true;
    pending.take();
  };
  /** Reads the collected text as one element. Returns no items if the array in the file is empty. */
  const read = (isLast: boolean): ReadItem[] => {
    const text = pending.take().trim();
    const where = `items[${index}]`;
    if (isLast && index === 0 && text === '' && !isTooLong) return [];
    index++;
    if (!isTooLong) return [items.read(text, where)];
    isTooLong = false;
    return [items.tooLong(where)];
  };
  /**
   * Returns the end offset of the current element, or the text's length if it continues. The nesting depth and string
   * state persist between calls.
   */
  const endOfElement = (part: string, from: number): number => {
    for (let at = from; at < part.length; ) {
      if (isEscaped) {
        isEscaped = false;
        at++;
        continue;
      }
      const marks = isString ? /["\\]/g : /["[\]{},]/g;
      marks.lastIndex = at;
      const found = marks.exec(part);
      if (found === null) return part.length;
      at = found.index + 1;
      const [mark] = found;
      if (mark === '"') isString = !isString;
      else if (mark === '\\') isEscaped = true;
      else if (mark === '[' || mark === '{') depth++;
      else if (depth > 0 && mark !== ',') depth--;
      else if (mark === ']' || (mark === ',' && depth === 0)) return found.index;
    }
    return part.length;
  };

  for await (const part of parts) {
    const complete: ReadItem[] = [];
    let at = 0;
    if (state === 'before') {
      at = 1;
      state = 'inside';
    }
    while (state === 'inside' && at < part.length) {
      const end = endOfElement(part, at);
      hold(part.slice(at, end));
      if (end === part.length) break;
      const isLast = part[end] === ']';
      complete.push(...read(isLast));
      if (isLast) state = 'behind';
      at = end + 1;
    }
    if (state === 'behind' && part.slice(at).trim() !== '') throw malformed('has text after the end of its array');
    yield complete;
    await options.pending?.set(pending.bytes);
  }
  if (state !== 'behind') throw malformed(`ends after ${index} items, in the middle of its array`);
}

function malformed(problem: string): ServiceError {
  return new ServiceError('request.invalid', `The JSON ${problem}`, { faults: [{ path: 'file', message: problem }] });
}

export const json = { readStream };
