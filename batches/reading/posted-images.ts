import { ServiceError } from '../../shared/errors.ts';
import { createLoopTurns } from '../../shared/loop-turns.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { inlineOf } from '../store/item-address.ts';
import type { StoredItem } from '../store/payload.ts';
import { isLost } from '../store/payload-store.ts';
import type { BatchRecord } from '../store/record.ts';
import { type SplitInput, splitInput } from '../store/split-input.ts';
import { createIndexCache } from './index-cache.ts';
import { placeOf, readChunkIndex } from './ordered/chunk-index.ts';
import type { Source } from './read-chunks.ts';
import { createSharedWork } from './shared-work.ts';

/** Reads images that were posted as bytes. */
export interface PostedImages {
  /**
   * Returns the image of an item as it was posted: base64 or a data URI.
   * @throws {ServiceError} `batch.no_image`, `batch.input_expired`, `storage.unavailable`
   */
  read(batch: BatchRecord, index: number): Promise<string>;
}

/** A chunk, and the index of its first item. */
interface Bound {
  chunk: number;
  first: number;
}

/**
 * The maximum memory of cached chunks in bytes. A view asks for the images of one chunk at the same time or in short
 * succession, so they are cached for seconds only.
 */
const cachedBytes = 64 * 1024 * 1024;
const cachedMs = 10_000;
/** The maximum number of chunks that are decoded at the same time. A chunk has 4 MiB, or one image. */
const lanes = 4;

export function createPostedImages(source: Source): PostedImages {
  const cached = createIndexCache<SplitInput>(cachedBytes, ({ bytes }) => bytes, cachedMs);
  // An image of 20 MB takes 25 ms to parse.
  const parsing = createLoopTurns();
  const decoding = Array.from({ length: lanes }, () => createSharedWork<SplitInput>());

  async function readChunk(batch: BatchRecord, chunk: number): Promise<SplitInput> {
    const key = `${batch.id} ${chunk}`;
    const known = cached.get(key);
    if (known !== undefined) return known;
    const lane = decoding[chunk % lanes] as (typeof decoding)[number];
    return await lane(key, async () => {
      const read = await decodeChunk(source, batch, chunk);
      cached.set(key, read);
      return read;
    });
  }

  return {
    async read(batch, index) {
      const { total, requests, imagesFrom } = batch;
      if (index >= total) {
        throw noImage(`The batch has ${total} ${total === 1 ? 'item' : 'items'}, so it has no item ${index}`);
      }
      if (requests !== undefined)
        throw noImage("A batch of OpenAI's interface has requests, whose images are not served");
      if (imagesFrom !== undefined) throw noImage(`This batch uses the images of batch ${imagesFrom}; read them there`);
      let [low, high] = await boundsOf(source, batch, index);
      let guess = low.chunk;
      for (let tried = 0; low.chunk < high.chunk; tried++) {
        const { offset, count, item } = await readChunk(batch, guess);
        if (index < offset) high = { chunk: guess, first: offset };
        else if (index >= offset + count) low = { chunk: guess + 1, first: offset + count };
        else return imageOf(await parsing(() => item(index - offset)), index);
        guess = tried % 2 === 0 ? between(low, high, index) : (low.chunk + high.chunk) >> 1;
      }
      throw new Error(`The chunks of batch ${batch.id} do not contain item ${index}`);
    },
  };
}

/**
 * Returns the first chunk that may contain an item, and the first chunk after it that cannot. For an item with an
 * outcome, the first contains it.
 */
async function boundsOf(source: Source, batch: BatchRecord, index: number): Promise<[low: Bound, high: Bound]> {
  const chunks = await readChunkIndex(source, batch);
  const boundAt = (place: number): Bound | undefined => {
    const [chunk, first] = [chunks.committed[place], chunks.firsts[place]];
    return chunk === undefined || first === undefined ? undefined : { chunk, first };
  };
  const start = { chunk: 0, first: 0 };
  const end = { chunk: batch.chunks, first: batch.total };
  const place = placeOf(chunks, index);
  const found = boundAt(place);
  if (found === undefined || found.first > index) return [start, found ?? end];
  return [found, boundAt(place + 1) ?? end];
}

/** Returns the chunk that contains an item if all chunks between the bounds have the same number of items. */
function between(low: Bound, high: Bound, index: number): number {
  const share = (index - low.first) / Math.max(1, high.first - low.first);
  return Math.min(high.chunk - 1, low.chunk + Math.floor(share * (high.chunk - low.chunk)));
}

async function decodeChunk({ redis, payloads }: Source, batch: BatchRecord, chunk: number): Promise<SplitInput> {
  const stored = await redis.hgetBuffer(batchKeys(redis, batch.id).input(chunk), String(chunk));
  if (stored === null) throw expired();
  const payload = await payloads.get(batch.id, stored).catch((error: unknown) => {
    throw batch.reason === 'input_lost' && error instanceof ServiceError && isLost(error) ? expired() : error;
  });
  return await splitInput(payload);
}

/** @throws {ServiceError} `batch.no_image` */
function imageOf(item: StoredItem | undefined, index: number): string {
  const image = inlineOf(item);
  if (image === undefined) throw noImage(`Item ${index} has no stored image: ${whyNone(item)}`);
  return image;
}

function whyNone(item: StoredItem | undefined): string {
  if (item === undefined || 'error' in item) return 'it could not be read when it was posted';
  const source = typeof item.image === 'string' ? { url: item.image } : item.image;
  if ('file' in source) return 'it is a file that the service reads, and such files are not served';
  if ('url' in source && /^\s*https?:/i.test(source.url)) return 'it has an http(s) address; load it from there';
  return 'its image source is neither bytes nor an address';
}

const noImage = (message: string) => new ServiceError('batch.no_image', message);

const expired = () =>
  new ServiceError(
    'batch.input_expired',
    'The items of this batch are no longer stored; post them again as a new batch',
  );
