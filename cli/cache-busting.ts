import { randomBytes } from 'node:crypto';

const jpeg = Buffer.of(0xff, 0xd8, 0xff);
const png = Buffer.of(0x89, 0x50, 0x4e, 0x47);

/**
 * Returns the image with random bytes appended, so that the service has no cached embedding of it. JPEG and PNG
 * decoders ignore bytes after the end of the image. Images of other formats are returned unchanged.
 */
export function cacheBustedImage(bytes: Buffer): Buffer {
  const isKnown = [jpeg, png].some((magic) => bytes.subarray(0, magic.length).equals(magic));
  return isKnown ? Buffer.concat([bytes, randomBytes(12)]) : bytes;
}

/**
 * Returns the text with random white space at its end. This changes the cache key of the text and not its score,
 * because the service removes the white space before scoring.
 */
export const cacheBustedText = (text: string): string =>
  text + [...randomBytes(32)].map((byte) => (byte % 2 === 0 ? ' ' : '\t')).join('');
