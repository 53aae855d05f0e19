import { randomBytes } from 'node:crypto';

const jpeg = Buffer.of(0xff, 0xd8, 0xff);
const png = Buffer.of(0x89, 0x50, 0x4e, 0x47);

/**
 * Returns the image with additional random bytes, so that a measurement does not use a cached embedding. JPEG and PNG
 * decoders ignore bytes after the end of the image. Other formats are returned unchanged.
 */
export function cacheBustedImage(bytes: Buffer): Buffer {
  const isKnown = [jpeg, png].some((magic) => bytes.subarray(0, magic.length).equals(magic));
  return isKnown ? Buffer.concat([bytes, randomBytes(12)]) : bytes;
}

/**
 * Returns the text with random white space at its end. The white space changes the cache key, and the service removes
 * it before scoring.
 */
export const cacheBustedText = (text: string): string =>
  text + [...randomBytes(32)].map((byte) => (byte % 2 === 0 ? ' ' : '\t')).join('');
