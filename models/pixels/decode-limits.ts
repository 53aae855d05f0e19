import { availableParallelism } from 'node:os';
import type { Metadata } from 'sharp';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Caller } from '../encoder/protocol.ts';
import { takeOwnLargePlace } from './large-places.ts';
import { countPages } from './tiff.ts';

/**
 * Encoders write about ten scans. A file of 0.5 MB with 2,646 empty ones kept libjpeg busy for 22 s, past every
 * deadline.
 */
const maxScans = 100;
/** libtiff reads all pages to count them: 60,000 took 3 s. */
const maxPages = 1_000;

/**
 * Refuses files whose structure costs far more time than their pixels. It runs before any decoder, since a decoder
 * cannot be stopped.
 * @throws {ServiceError} `image.corrupt`
 */
export function checkStructure(bytes: Uint8Array): void {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && countScans(bytes) > maxScans)
    throw new ServiceError('image.corrupt', `The JPEG has more than ${maxScans} scans`);
  if (countPages(bytes, maxPages) > maxPages)
    throw new ServiceError('image.corrupt', `The TIFF has more than ${maxPages} pages, or its pages form a circle`);
}

/** Counts the scans of a JPEG, up to one more than allowed. */
function countScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = 2;
  while (at >= 0 && at + 3 < bytes.length && scans <= maxScans) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xd9) break;
    if (marker === 0xda) scans++;
    // Inside a scan, FF is followed by 00 or a restart marker. Any number of FF may precede a marker.
    const isBare = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isBare ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2 + length);
  }
  return scans;
}

/**
 * Returns the maximum memory per pixel while an image is decoded and resampled, in bytes. Measured at 49 megapixels:
 * AVIF 883 MB, an interlaced PNG of 16 bits 580 MB, WebP 387 MB, a progressive JPEG 295 MB, RGBA 212 MB. Others are
 * read row by row: 161 MB.
 */
function bytesPerPixel({ format, isProgressive }: Metadata): number {
  if (format === 'heif') return 18;
  if (isProgressive) return 12;
  return format === 'webp' ? 8 : 5;
}

/** An image that needs more than this many bytes is large. The number of large images decoded at a time is bounded. */
const largeBytes = 128_000_000;

const placesForOthers = (places: number) => ({
  batch: createFairPlaces({ places, guaranteed: 1 }),
  interactive: createFairPlaces({ places, guaranteed: 1 }),
});

let others = placesForOthers(availableParallelism() + 1);

/**
 * Sets the number of images below that limit that are decoded at a time, for batches and for interactive requests. Each
 * may need up to 128 MB. A tenant's first image never waits for images of other tenants.
 */
export function limitDecodes(places: number): void {
  others = placesForOthers(places);
}

/**
 * Decodes and resamples an image once it has a place. The pixels must not be used after the place is returned.
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
