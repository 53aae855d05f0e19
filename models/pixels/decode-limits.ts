import { availableParallelism } from 'node:os';
import type { Metadata } from 'sharp';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Caller } from '../encoder/protocol.ts';
import { takeOwnLargePlace } from './large-places.ts';
import { countPages } from './tiff.ts';

/** Encoders write some ten; a file of 0.5 MB with 2,646 empty ones kept libjpeg busy for 22 s, deaf to any deadline. */
const maxScans = 100;
/** libtiff reads all of them to count them: 60,000 took 3 s. */
const maxPages = 1_000;

/**
 * Refuses files whose structure costs far more time than their pixels, before a decoder sees them: a decoder that is
 * at it cannot be stopped.
 * @throws {ServiceError} `image.corrupt`
 */
export function checkStructure(bytes: Uint8Array): void {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && countScans(bytes) > maxScans)
    throw new ServiceError('image.corrupt', `The JPEG has more than ${maxScans} scans`);
  if (countPages(bytes, maxPages) > maxPages)
    throw new ServiceError('image.corrupt', `The TIFF has more than ${maxPages} pages, or they lead in a circle`);
}

/** Scans of a JPEG up to its end, or one more than is allowed. */
function countScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = 2;
  while (at >= 0 && at + 3 < bytes.length && scans <= maxScans) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xd9) break;
    if (marker === 0xda) scans++;
    // Inside of a scan, FF is followed by 00 or by a restart marker; before a marker there may be more FF.
    const isBare = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isBare ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2 + length);
  }
  return scans;
}

/**
 * Most memory that an image takes for each pixel while it is decoded and resampled, in bytes. Measured at 49
 * megapixels: AVIF 883 MB, an interlaced PNG of 16 bits 580 MB, WebP 387 MB, a progressive JPEG 295 MB, RGBA 212 MB,
 * others, which are read row by row, 161 MB.
 */
function bytesPerPixel({ format, isProgressive }: Metadata): number {
  if (format === 'heif') return 18;
  if (isProgressive) return 12;
  return format === 'webp' ? 8 : 5;
}

/** Above this, in bytes, an image is large: how many of these are decoded at a time is bounded. */
const largeBytes = 128_000_000;

const placesForOthers = (places: number) => ({
  batch: createFairPlaces({ places, guaranteed: 1 }),
  interactive: createFairPlaces({ places, guaranteed: 1 }),
});

let others = placesForOthers(availableParallelism() + 1);

/**
 * How many images that are not large are decoded at a time, of batches and of interactive requests: one of just below
 * the bound takes 128 MB. A tenant's first image never waits for those of others.
 */
export function limitDecodes(places: number): void {
  others = placesForOthers(places);
}

/**
 * Decodes and resamples an image when it has a place; its pixels are gone when it gives it back.
 * @throws the reason of the caller's signal, when it aborts first.
 */
export async function inTurn<Value>(
  metadata: Metadata,
  decode: () => Promise<Value>,
  caller: Caller = { interactive: false },
): Promise<Value> {
  const isLarge = metadata.width * metadata.height * bytesPerPixel(metadata) >= largeBytes;
  const { interactive, tenant = '', signal, takeLargePlace = takeOwnLargePlace(caller) } = caller;
  const release = isLarge
    ? await takeLargePlace(signal)
    : await others[interactive ? 'interactive' : 'batch'].take(tenant, signal);
  try {
    return await decode();
  } finally {
    release();
  }
}
