import { placeOf } from '../../../../formats/tar/place.ts';
import type { Cell } from './cell.ts';

/** A sample (the files with the same key) at the start of a tar. */
export interface TarSample {
  id: string;
  image: Cell;
  text: string;
  /** The fields of the JSON file of the sample except the text, as JSON; empty if there are none. */
  metadata: string;
  /** The offset in the tar at which the last file of the sample ends. */
  end: number;
}

const block = 512;

/**
 * Reads the samples at the start of a tar (WebDataset). Only files that are complete within the given bytes are read.
 */
export function samplesOf(head: Uint8Array<ArrayBuffer>, count: number): TarSample[] {
  const samples = new Map<string, TarSample>();
  for (const { name, bytes, end } of membersOf(head)) {
    const place = placeOf(name);
    if (place?.part === undefined) continue;
    const sample = samples.get(place.key) ?? { id: place.key, image: '', text: '', metadata: '', end };
    if (samples.size === count && !samples.has(place.key)) break;
    samples.set(place.key, { ...sample, ...partOf(place.part, bytes, sample), end });
  }
  // The last sample may lack files that follow after the given bytes.
  return [...samples.values()];
}

function partOf(part: 'image' | 'txt' | 'json', bytes: Uint8Array<ArrayBuffer>, sample: TarSample): Partial<TarSample> {
  if (part === 'image') return { image: new Blob([bytes]) };
  const text = new TextDecoder().decode(bytes);
  if (part === 'txt') return { text: text.replace(/\r?\n$/, '') };
  const fields = fieldsOf(text);
  const name = ['text', 'caption'].find((each) => typeof fields[each] === 'string');
  const { [name ?? '']: own, ...others } = fields;
  const isNeeded = sample.text === '' && typeof own === 'string';
  return {
    ...(isNeeded && { text: own }),
    metadata: Object.keys(others).length === 0 ? '' : JSON.stringify(others),
  };
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

interface Member {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** The offset in the tar at which the file ends. */
  end: number;
}

/**
 * Yields the files that are complete within the first bytes of a tar. Long names may have the form of pax or of GNU.
 */
function* membersOf(head: Uint8Array<ArrayBuffer>): Generator<Member> {
  let longName: string | undefined;
  for (let at = 0; at + block <= head.length; ) {
    const header = head.subarray(at, at + block);
    const size = Number.parseInt(textOf(header, 124, 12).trim() || '0', 8);
    const bytes = head.subarray(at + block, at + block + size);
    if (header[0] === 0 || !Number.isSafeInteger(size) || bytes.length < size) return;
    const type = textOf(header, 156, 1);
    const end = at + block + Math.ceil(size / block) * block;
    at = end;
    if (type === 'x') longName = /(?:^|\n)\d+ path=(.*)\n/.exec(new TextDecoder().decode(bytes))?.[1] ?? longName;
    else if (type === 'L') longName = new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
    else {
      const prefix = textOf(header, 257, 5) === 'ustar' ? textOf(header, 345, 155) : '';
      const name = longName ?? `${prefix === '' ? '' : `${prefix}/`}${textOf(header, 0, 100)}`;
      longName = undefined;
      if (type === '0' || type === '') yield { name, bytes, end };
    }
  }
}

const textOf = (bytes: Uint8Array, from: number, length: number): string =>
  new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/s, '');
