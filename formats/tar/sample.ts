import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import { maxIdLength } from '../../shared/contracts/item.ts';
import { excerpt } from '../../shared/errors.ts';
import { parseExactly, withoutHalfPairs } from '../../shared/exact-json.ts';
import { shapeFaultOf } from '../../shared/json-shape.ts';
import type { ReadOptions } from '../format.ts';
import { badItem, type ItemFault, type ReadItem, toReadItem } from '../items.ts';
import { maxItemLength } from '../json-item.ts';

/** The maximum size of an image with its text files, in bytes. In base64, it equals the longest NDJSON line. */
export const maxSampleBytes = Math.floor((maxItemLength * 3) / 4);

/** The files with the same key that have arrived so far. */
export interface Sample {
  key: string;
  /** The image. Without `bytes`, it is read later from the file `name`. */
  image?: { name: string; bytes?: Buffer };
  txt?: Buffer;
  json?: Buffer;
  fault?: { message: string; code?: ItemFault } | undefined;
}

/** Converts a sample to an item: the key becomes the id, and JSON fields become metadata. */
export function itemOf(sample: Sample, { strictness, columns }: ReadOptions): ReadItem {
  const { key, image, fault } = sample;
  const where = `sample ${excerpt(key.toWellFormed(), 100)}`;
  const echo = { ...(key.length <= maxIdLength && { id: key.toWellFormed() }) };
  const bad = (message: string, code?: ItemFault) => badItem([{ path: '', message }], where, strictness, echo, code);
  if (fault !== undefined) return bad(fault.message, fault.code);
  for (const part of ['txt', 'json'] as const) {
    const bytes = sample[part];
    if (bytes !== undefined && !isUtf8(bytes)) return bad(`its .${part} is not UTF-8`, 'item.encoding');
  }
  const read = fieldsOf(sample.json);
  if (typeof read === 'string') return bad(`its .json ${read}`, read.startsWith('nests') ? 'item.too_deep' : undefined);
  const { text, metadata } = textOf(sample.txt, read, columns.text);
  const source = image && sourceOf(image);
  const item = {
    id: key.toWellFormed(),
    ...(source !== undefined && { image: source }),
    ...(text !== undefined && { text }),
    ...(metadata !== undefined && Object.keys(metadata).length > 0 && { metadata }),
  };
  if (image !== undefined && text === undefined) {
    return badItem([{ path: '', message: withoutText(key, read, columns.text) }], where, strictness, item);
  }
  return toReadItem(item, where, strictness);
}

function withoutText(key: string, fields: Fields | undefined, asked: string): string {
  const name = excerpt(posix.basename(key).toWellFormed(), 100);
  if (fields === undefined) return `has no text: there is no ${name}.txt or ${name}.json next to the image`;
  return `has no text: ${name}.json has no field ${[...new Set([asked, ...usualTexts])].join(' or ')}, and there is no ${name}.txt`;
}

function sourceOf({ name, bytes }: NonNullable<Sample['image']>): unknown {
  const path = name.toWellFormed();
  if (bytes !== undefined) return { base64: bytes.toString('base64'), path };
  // A name such as `data:1.jpg` looks like an address; `./` marks it as a path.
  return /^[a-z][a-z\d+.-]*:/i.test(path) ? `./${path}` : path;
}

type Fields = Record<string, unknown>;

/** Returns the fields of a sample's JSON file, or an error as text. */
function fieldsOf(bytes: Buffer | undefined): Fields | undefined | string {
  if (bytes === undefined) return undefined;
  const text = withoutMark(bytes);
  const shape = shapeFaultOf(text);
  if (shape !== undefined) return shape === 'too_deep' ? 'nests too deeply' : 'has an object with too many keys';
  let value: unknown;
  try {
    value = parseExactly(withoutHalfPairs(text));
  } catch {
    return 'is not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not an object';
  return value as Fields;
}

/** The usual caption fields of JSON files, tried after the requested name if there is no `.txt` file. */
const usualTexts = ['text', 'caption'];

function textOf(txt: Buffer | undefined, fields: Fields | undefined, asked: string) {
  if (txt !== undefined) return { text: withoutMark(txt).replace(/\r?\n$/, ''), metadata: fields };
  const name = [asked, ...usualTexts].find((each) => fields !== undefined && Object.hasOwn(fields, each));
  if (fields === undefined || name === undefined) return { text: undefined, metadata: fields };
  const { [name]: text, ...metadata } = fields;
  return { text, metadata };
}

const withoutMark = (bytes: Buffer): string => bytes.toString('utf8').replace(/^\uFEFF/, '');
