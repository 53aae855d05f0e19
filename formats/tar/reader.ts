import type { ReadOptions, ReadStream } from '../format.ts';
import type { ReadItem } from '../items.ts';
import { type Member, membersOf } from './members.ts';
import { type Part, placeOf } from './place.ts';
import { itemOf, maxSampleBytes, type Sample } from './sample.ts';

/**
 * Reads a tar in the layout of WebDataset: consecutive files with the same key are one item. Other endings than images,
 * `.txt` and `.json` are ignored. Only one item is in memory.
 */
export const readTar: ReadStream = (bytes, options) => ({
  items: itemsOfTar(bytes, options),
  header: () => undefined,
});

async function* itemsOfTar(bytes: AsyncIterable<Buffer>, options: ReadOptions): AsyncGenerator<ReadItem[]> {
  let sample: Sample | undefined;
  let held = 0;
  const finish = (): ReadItem[] => {
    const items = sample === undefined ? [] : [itemOf(sample, options)];
    sample = undefined;
    held = 0;
    return items;
  };
  for await (const member of membersOf(bytes)) {
    const place = placeOf(member.name);
    if (place === undefined || place.key !== sample?.key) yield finish();
    let keeps = place?.part;
    if (place?.part !== undefined) {
      sample ??= { key: place.key };
      sample.fault ??= faultOf(sample, member, place.part);
      if (sample.fault !== undefined) keeps = undefined;
    }
    const parts: Buffer[] = [];
    for await (const chunk of member.bytes) {
      if (keeps !== undefined && sample !== undefined) {
        held += chunk.length;
        parts.push(chunk);
        if (held > maxSampleBytes) {
          const message = `has more than ${maxSampleBytes} bytes`;
          sample = { key: sample.key, fault: { message, code: 'item.too_large' } };
          parts.length = 0;
          held = 0;
          keeps = undefined;
        }
        // Images are kept as base64, a third longer than their bytes.
        await options.pending?.set(Math.ceil((held * 4) / 3));
      }
      // An empty group shows that bytes have arrived.
      yield [];
    }
    if (keeps !== undefined && sample !== undefined) keep(sample, keeps, member.name, Buffer.concat(parts));
  }
  yield finish();
  await options.pending?.set(0);
}

function keep(sample: Sample, part: Part, name: string, bytes: Buffer): void {
  if (part === 'image') sample.image = { name, bytes };
  else sample[part] = bytes;
}

/** Returns why a file cannot belong to its sample; undefined when it can. */
function faultOf(sample: Sample, { name, fault }: Member, part: Part): Sample['fault'] {
  const short = name.slice(-100).toWellFormed();
  if (fault !== undefined) return { message: `${short} ${fault}` };
  if (sample[part] === undefined) return undefined;
  const other = sample.image !== undefined && part === 'image' ? `${sample.image.name.slice(-100)} and ` : 'a second ';
  return { message: `has ${other}${short}; a sample has one ${part === 'image' ? 'image' : `.${part}`}` };
}
