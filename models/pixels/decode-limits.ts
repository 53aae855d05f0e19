import { availableParallelism } from 'node:os';
import type { Metadata } from 'sharp';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Caller } from '../encoder/protocol.ts';
import { takeOwnLargePlace } from './large-places.ts';
import { countPages } from './tiff.ts';

/**
 * The maximum number of scans of a JPEG. Ordinary JPEGs have about ten scans. In a test, a file of 0.5 MB with 2,646
 * empty scans kept libjpeg busy for 22 s, longer than every time limit.
 */
const maxScans = 100;
/** The maximum number of pages of a TIFF. libtiff reads all pages to count them, which took 3 s for 60,000 pages. */
const maxPages = 1_000;

/**
 * Refuses files that would take much longer to decode than their number of pixels suggests. The check comes before any
 * decoder, because a running decoder cannot be stopped.
 * @throws {ServiceError} `image.corrupt`
 */
export function checkStructure(bytes: Uint8Array): void {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && countScans(bytes) > maxScans)
    throw new ServiceError('image.corrupt', `The JPEG has more than ${maxScans} scans`);
  if (countPages(bytes, maxPages) > maxPages)
    throw new ServiceError('image.corrupt', `The TIFF has more than ${maxPages} pages, or its pages form a circle`);
}

/** Returns the number of scans of a JPEG, or the maximum plus one if there are more. */
function countScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = 2;
  while (at >= 0 && at + 3 < bytes.length && scans <= maxScans) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xd9) break;
    if (marker === 0xda) scans++;
    // Within a scan, FF is followed by 00 or by a restart marker. Several FF may precede a marker.
    const isBare = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isBare ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2 + length);
  }
  return scans;
}

/**
 * Returns the maximum memory per pixel, in bytes, for decoding and resampling an image. It was measured with images of
 * 49 megapixels: AVIF took 883 MB, interlaced PNG of 16 bits 580 MB, WebP 387 MB, progressive JPEG 295 MB, RGBA 212 MB.
 * All other images are read row by row and took 161 MB.
 */
function bytesPerPixel({ format, isProgressive }: Metadata): number {
  if (format === 'heif') return 18;
  if (isProgressive) return 12;
  return format === 'webp' ? 8 : 5;
}

/**
 * The memory in bytes above which an image counts as large. Only a limited number of large images is decoded at the
 * same time.
 */
const largeBytes = 128_000_000;

const placesForOthers = (places: number) => ({
  batch: createFairPlaces({ places, guaranteed: 1 }),
  interactive: createFairPlaces({ places, guaranteed: 1 }),
});

let others = placesForOthers(availableParallelism() + 1);

/**
 * Sets how many images may be decoded at the same time, separately for batches and for interactive requests. Large
 * images have a separate limit, and every other image needs at most 128 MB. The first image of a tenant never waits for
 * images of other tenants.
 */
export function limitDecodes(places: number): void {
  others = placesForOthers(places);
}

/**
 * Runs `decode`, which decodes and resamples an image, as soon as the limit for its kind allows it. `decode` must not
 * use the pixels after its promise resolves.
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
