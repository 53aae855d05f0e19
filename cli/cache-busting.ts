import { randomBytes } from 'node:crypto';

const jpeg = Buffer.of(0xff, 0xd8, 0xff);
const png = Buffer.of(0x89, 0x50, 0x4e, 0x47);

/**
 * Appends random bytes to an image, so that no cached embedding is used. JPEG and PNG decoders ignore bytes after the
 * end; other formats stay unchanged.
 */
export function cacheBustedImage(bytes: Buffer): Buffer {
  const isKnown = [jpeg, png].some((magic) => bytes.subarray(0, magic.length).equals(magic));
  return isKnown ? Buffer.concat([bytes, randomBytes(12)]) : bytes;
}

/**
 * Appends random white space to a text. It changes the cache key and not the score, because the service removes it
 * before scoring.
 */
export const cacheBustedText = (text: string): string =>
  text + [...randomBytes(32)].map((byte) => (byte % 2 === 0 ? ' ' : '\t')).join('');
