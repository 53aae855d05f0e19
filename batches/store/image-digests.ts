/**
 * The length of an image digest in bytes, the start of a SHA-256. With a million images, the probability that any two
 * have the same digest is 3 in 100 million.
 */
export const digestBytes = 8;

/** @param contentHash the SHA-256 of the bytes of the image, in base64. */
const digestOf = (contentHash: string): Buffer => Buffer.from(contentHash, 'base64').subarray(0, digestBytes);

/**
 * Returns the image digests of a chunk as base64, in the order of its items; zero without a content hash. Returns
 * undefined for an empty list: hashes are unknown, or items are requests.
 */
export function encodeDigests(contentHashes: readonly (string | undefined)[]): string | undefined {
  if (contentHashes.length === 0) return undefined;
  const digests = Buffer.alloc(digestBytes * contentHashes.length);
  for (const [at, contentHash] of contentHashes.entries()) {
    if (contentHash !== undefined) digests.set(digestOf(contentHash), digestBytes * at);
  }
  return digests.toString('base64');
}

export const decodeDigests = (encoded: string): Buffer => Buffer.from(encoded, 'base64');
