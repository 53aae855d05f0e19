import { isUtf8 } from 'node:buffer';
import { maxIdLength } from '../../shared/contracts/item.ts';
import { excerpt } from '../../shared/errors.ts';
import { parseExactly, withoutHalfPairs } from '../../shared/exact-json.ts';
import { shapeFaultOf } from '../../shared/json-shape.ts';
import type { ReadOptions } from '../format.ts';
import { badItem, type ItemFault, type ReadItem, toReadItem } from '../items.ts';
import { maxItemLength } from '../json-item.ts';

/** The largest number of bytes of a sample: as base64 they are as long as the longest line of NDJSON. */
export const maxSampleBytes = Math.floor((maxItemLength * 3) / 4);

const imageEndings = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif', 'tif', 'tiff', 'heic', 'heif'];
/** Parts of a sample. Other members of its key, such as `.cls` or `.npy`, are passed over. */
export type Part = 'image' | 'txt' | 'json';

/** A member's place in the data set. */
export interface Place {
  /** The path up to the first dot of the file name. All members of a sample have one key. */
  key: string;
  part: Part | undefined;
}

/** Returns the key of a name and the part that it holds, as WebDataset does; undefined for a name without either. */
export function placeOf(name: string): Place | undefined {
  const [, key, ending] = /^((?:.*\/)?[^./]+)\.([^/]*)$/s.exec(name) ?? [];
  if (key === undefined || ending === undefined) return undefined;
  const lower = ending.toLowerCase();
  const part = imageEndings.includes(lower) ? 'image' : lower === 'txt' || lower === 'json' ? lower : undefined;
  return { key: key.replace(/^(\.\/)+/, ''), part };
}

/** The members of one key that have arrived. */
export interface Sample {
  key: string;
  /** An image without bytes is a file of that name, which is read later. */
  image?: { name: string; bytes?: Buffer };
  txt?: Buffer;
  json?: Buffer;
  /** The first fault of its members. */
  fault?: { message: string; code?: ItemFault } | undefined;
}

/** Makes an item of a sample. The key is its id, the fields of its JSON are its metadata. */
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
  return toReadItem(
    {
      id: key.toWellFormed(),
      ...(source !== undefined && { image: source }),
      ...(text !== undefined && { text }),
      ...(metadata !== undefined && Object.keys(metadata).length > 0 && { metadata }),
    },
    where,
    strictness,
  );
}

function sourceOf({ name, bytes }: NonNullable<Sample['image']>): unknown {
  const path = name.toWellFormed();
  if (bytes !== undefined) return { base64: bytes.toString('base64'), path };
  // A name such as `data:1.jpg` is not an address.
  return /^[a-z][a-z\d+.-]*:/i.test(path) ? `./${path}` : path;
}

type Fields = Record<string, unknown>;

/** Returns the fields of a JSON member, or the fault of it. */
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

/** Fields of the JSON with the text, where there is no `.txt`: the one that was asked for, and those in use. */
const usualTexts = ['text', 'caption'];

function textOf(txt: Buffer | undefined, fields: Fields | undefined, asked: string) {
  if (txt !== undefined) return { text: withoutMark(txt).replace(/\r?\n$/, ''), metadata: fields };
  const name = [asked, ...usualTexts].find((each) => fields !== undefined && Object.hasOwn(fields, each));
  if (fields === undefined || name === undefined) return { text: undefined, metadata: fields };
  const { [name]: text, ...metadata } = fields;
  return { text, metadata };
}

const withoutMark = (bytes: Buffer): string => bytes.toString('utf8').replace(/^\uFEFF/, '');
