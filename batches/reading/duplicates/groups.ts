import { hash } from 'node:crypto';
import type { SameBy } from '../../../shared/contracts/batch/results.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { decodeDigests, encodeDigests } from '../../store/image-digests.ts';
import { decodeInput, readDigests, type StoredItem } from '../../store/payload.ts';
import type { BatchRecord } from '../../store/record.ts';
import { type ChunkIndex, type Groups, knownAs } from '../known-indexes.ts';
import { readChunks, type Source } from '../read-chunks.ts';
import { createDigests, type Digests, groupEqual, setDigests } from './equal-digests.ts';

/**
 * Returns which items of a batch are equal. Images are equal when their bytes are. An item without a score equals no
 * other. The first call for a batch reads all its results.
 * @throws {ServiceError} `batch.not_found`, `storage.unavailable`
 */
export async function readGroups(source: Source, batch: BatchRecord, index: ChunkIndex, by: SameBy): Promise<Groups> {
  const { known } = source;
  const knownKey = knownAs(batch);
  const key = `${by} ${knownKey ?? `${batch.id} ${index.committed.length} parts`}`;
  const remembered = known?.groups.get(key);
  if (remembered !== undefined) return remembered;
  // Groups of pairs need the groups of images, read before the task is queued, because tasks run one at a time.
  const images = by === 'pair' ? await readGroups(source, batch, index, 'image') : undefined;
  const find = async () =>
    await groupEqual(
      images === undefined
        ? await readImageDigests(source, batch, index)
        : await readPairDigests(source, batch, index, images),
    );
  if (known === undefined) return await find();
  const groups = await known.grouping(key, find);
  if (knownKey !== undefined) known.groups.set(key, groups);
  return groups;
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
 * Returns digests of the image sources (such as addresses) of a chunk from an older release, which lacks those of
 * bytes.
 */
async function digestsOfSources(source: Source, batch: BatchRecord, chunk: number): Promise<Buffer> {
  const [read] = await readChunks(source, batch, [chunk], true);
  const hashes = (read?.results ?? []).map(({ status }, at) => {
    const image = read?.items[at]?.image;
    return status === 'succeeded' && image !== undefined ? sha256(JSON.stringify(image)) : undefined;
  });
  return decodeDigests(encodeDigests(hashes) ?? '');
}

/** Returns a digest of image and text for each item whose image equals another. */
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

/**
 * The limits of the chunks that are read at a time: their number, and their compressed bytes unless there is only one.
 */
const mostParts = 32;
const bytesAtOnce = 4 * 1024 * 1024;

/** Reads chunks, several at a time. @param read reads one chunk and returns its compressed size in bytes. */
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
