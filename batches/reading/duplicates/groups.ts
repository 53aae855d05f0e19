import { hash } from 'node:crypto';
import type { SameBy } from '../../../shared/contracts/batch.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { decodeDigests, encodeDigests } from '../../store/image-digests.ts';
import { decodeInput, readDigests, type StoredItem } from '../../store/payload.ts';
import type { BatchRecord } from '../../store/record.ts';
import { type ChunkIndex, type Groups, knownAs } from '../known-indexes.ts';
import { readChunks, type Source } from '../read-chunks.ts';
import { createDigests, type Digests, groupEqual, setDigests } from './equal-digests.ts';

/**
 * Returns which items of a batch are equal. Images are equal when their bytes are, whatever their addresses are. Items
 * without a score are equal to no other. The first call for a batch reads all its results, and the next ones remember
 * the groups.
 * @throws {ServiceError} `batch.not_found`, `storage.unavailable`
 */
export async function readGroups(source: Source, batch: BatchRecord, index: ChunkIndex, by: SameBy): Promise<Groups> {
  const { known } = source;
  if (known === undefined) return await findGroups(source, batch, index, by);
  const knownKey = knownAs(batch);
  const key = `${by} ${knownKey ?? `${batch.id} ${index.committed.length} parts`}`;
  const remembered = known.groups.get(key);
  if (remembered !== undefined) return remembered;
  const groups = await known.grouping(key, () => findGroups(source, batch, index, by));
  if (knownKey !== undefined) known.groups.set(key, groups);
  return groups;
}

async function findGroups(source: Source, batch: BatchRecord, index: ChunkIndex, by: SameBy): Promise<Groups> {
  const images = await groupEqual(await readImageDigests(source, batch, index));
  return by === 'image' ? images : await groupEqual(await readPairDigests(source, batch, index, images));
}

async function readImageDigests(source: Source, batch: BatchRecord, index: ChunkIndex): Promise<Digests> {
  const { redis, payloads } = source;
  const keys = batchKeys(redis, batch.id);
  const digests = createDigests(batch.total);
  await readParts([...index.committed.keys()], async (place) => {
    const chunk = index.committed[place] ?? 0;
    const stored = await redis.hgetBuffer(keys.output(chunk), String(chunk));
    if (stored === null) throw new ServiceError('batch.not_found', 'The batch was deleted while it was read');
    const payload = await payloads.get(batch.id, stored);
    const bytes = readDigests(payload) ?? (await digestsOfSources(source, batch, chunk));
    setDigests(digests, index.firsts[place] ?? 0, bytes);
    return payload.length;
  });
  return digests;
}

/**
 * Returns digests of the sources of the images, such as their addresses, for a chunk that a worker of an older release
 * has evaluated. Only such images are compared by their sources.
 */
async function digestsOfSources(source: Source, batch: BatchRecord, chunk: number): Promise<Buffer> {
  const [read] = await readChunks(source, batch, [chunk], true);
  const hashes = (read?.results ?? []).map(({ status }, at) => {
    const image = read?.items[at]?.image;
    return status === 'succeeded' && image !== undefined ? sha256(JSON.stringify(image)) : undefined;
  });
  return decodeDigests(encodeDigests(hashes) ?? '');
}

/** Returns digests of image and text, for items that have the same image as another item. */
async function readPairDigests(
  { redis, payloads }: Source,
  batch: BatchRecord,
  { committed, firsts }: ChunkIndex,
  images: Groups,
): Promise<Digests> {
  const keys = batchKeys(redis, batch.id);
  const digests = createDigests(batch.total);
  const hasEqual = (place: number) =>
    images.of.subarray(firsts[place], firsts[place + 1] ?? batch.total).some((group) => group > 0);
  await readParts([...committed.keys()].filter(hasEqual), async (place) => {
    const chunk = committed[place] ?? 0;
    const first = firsts[place] ?? 0;
    const stored = await redis.hgetBuffer(keys.input(chunk), String(chunk));
    if (stored === null) return 0;
    const payload = await payloads.get(batch.id, stored);
    const { items } = decodeInput(payload);
    const hashes = items.map(({ text = '' }: Pick<StoredItem, 'text'>, at) => {
      const group = images.of[first + at] ?? 0;
      return group > 0 ? sha256(`${group} ${text}`) : undefined;
    });
    setDigests(digests, first, decodeDigests(encodeDigests(hashes) ?? ''));
    return payload.length;
  });
  return digests;
}

/** The limits of what is read at a time: parts, and their bytes in compressed form. A single part may exceed it. */
const mostParts = 32;
const bytesAtOnce = 4 * 1024 * 1024;

/** Reads the parts of a batch, several at a time. @param read returns the number of bytes that the part had. */
async function readParts(places: readonly number[], read: (place: number) => Promise<number>): Promise<void> {
  let largest = bytesAtOnce;
  for (let from = 0; from < places.length; ) {
    const count = Math.min(mostParts, Math.max(1, Math.floor(bytesAtOnce / Math.max(1, largest))));
    const some = places.slice(from, from + count);
    largest = Math.max(largest / 2, ...(await Promise.all(some.map(read))));
    from += count;
  }
}

const sha256 = (text: string): string => hash('sha256', text, 'base64');
