import { availableParallelism } from 'node:os';
import type { Metadata } from 'sharp';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Caller } from '../encoder/protocol.ts';
import { takeOwnLargePlace } from './large-places.ts';
import { countPages } from './tiff.ts';

/**
 * Ordinary JPEGs have about ten scans. A file of 0.5 MB with 2,646 empty scans kept libjpeg busy for 22 s, longer than
 * every time limit.
 */
const maxScans = 100;
/** libtiff reads all pages of a TIFF to count them: 3 s for 60,000 pages. */
const maxPages = 1_000;

/**
 * Refuses files that take much longer to decode than their pixels suggest. A running decoder cannot be stopped.
 * @throws {ServiceError} `image.corrupt`
 */
export function checkStructure(bytes: Uint8Array): void {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && countScans(bytes) > maxScans)
    throw new ServiceError('image.corrupt', `The JPEG has more than ${maxScans} scans`);
  if (countPages(bytes, maxPages) > maxPages)
    throw new ServiceError('image.corrupt', `The TIFF has more than ${maxPages} pages, or its pages form a circle`);
}

function countScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = 2;
  while (at >= 0 && at + 3 < bytes.length && scans <= maxScans) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xd9) break;
    if (marker === 0xda) scans++;
    // Within a scan, FF is followed by 00 or a restart marker. Several FF may precede a marker.
    const isBare = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isBare ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    at = bytes.indexOf(0xff, marker === 0xff ? at + 1 : at + 2 + length);
  }
  return scans;
}

/**
 * Returns the maximum memory per pixel in bytes. Images of 49 megapixels took: AVIF 883 MB, interlaced 16-bit PNG 580
 * MB, WebP 387 MB, progressive JPEG 295 MB, RGBA 212 MB, others 161 MB.
 */
function bytesPerPixel({ format, isProgressive }: Metadata): number {
  if (format === 'heif') return 18;
  if (isProgressive) return 12;
  return format === 'webp' ? 8 : 5;
}

/** From this memory in bytes, an image counts as large, and has a separate limit. */
const largeBytes = 128_000_000;

const placesForOthers = (places: number) => ({
  batch: createFairPlaces({ places, guaranteed: 1 }),
  interactive: createFairPlaces({ places, guaranteed: 1 }),
});

let others = placesForOthers(availableParallelism() + 1);

/**
 * Limits how many images are decoded at the same time, separately for batches and interactive requests. Large images
 * are not included; others need up to 128 MB. A tenant's first image never waits for other tenants.
 */
export function limitDecodes(places: number): void {
  others = placesForOthers(places);
}

/**
 * Runs `decode` when the limit for its kind of image allows it. `decode` must not use the pixels after its promise
 * resolves.
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
